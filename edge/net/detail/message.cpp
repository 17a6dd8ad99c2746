#include "edge/net/detail/asio.hpp"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/status.hpp>

#include <algorithm>
#include <charconv>
#include <optional>

#include "edge/net/detail/message.hpp"
#include "edge/net/detail/text.hpp"

namespace qtrader::net {
namespace {

namespace http = boost::beast::http;
using boost::beast::string_view;

/// A body announced larger than this is not given its memory in advance.
constexpr std::uint64_t kReserveBytes = 1u << 20;

void append(std::string& to, string_view text) { to.append(text.data(), text.size()); }

template <class Message, bool is_request>
class Parser final : public http::basic_parser<is_request> {
 public:
  Parser(Message& message, Framing& framing, std::size_t max_body) : message_(message), framing_(framing) {
    this->eager(true);
    this->header_limit(kMaxHeaderBytes);
    this->body_limit(max_body);
  }

 private:
  void on_request_impl(http::verb, string_view method, string_view target, int version, error_code&) override {
    if constexpr (is_request) {
      append(message_.method, method);
      append(message_.target, target);
    }
    framing_.http10 = version == 10;
  }
  void on_response_impl(int code, string_view, int version, error_code&) override {
    if constexpr (!is_request) message_.status = code;
    framing_.http10 = version == 10;
  }
  void on_field_impl(http::field name, string_view text, string_view value, error_code&) override {
    message_.headers.emplace_back(std::string(text.data(), text.size()), std::string(value.data(), value.size()));
    if (name == http::field::expect)
      framing_.expects_continue = same_text(message_.headers.back().second, "100-continue");
  }
  void on_header_impl(error_code&) override { framing_.keep_alive = this->keep_alive(); }
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override {
    if (length) message_.body.reserve(static_cast<std::size_t>(std::min(*length, kReserveBytes)));
  }
  std::size_t on_body_impl(string_view body, error_code&) override {
    append(message_.body, body);
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code&) override {
    append(message_.body, body);
    return body.size();
  }
  void on_finish_impl(error_code&) override {}

  Message& message_;
  Framing& framing_;
};

/// One message after another through Beast's parser, which itself is for one message only.
template <class Message, bool is_request>
struct Sequence {
  explicit Sequence(std::size_t max) : max_body(max) { restart(); }

  void restart() {
    message.headers.clear();
    message.body.clear();
    if constexpr (is_request) {
      message.method.clear();
      message.target.clear();
    }
    framing = {};
    parser.emplace(message, framing, max_body);
  }

  ParseState take(std::string_view bytes, std::size_t& used) {
    used = 0;
    while (!parser->is_done()) {
      const std::string_view rest = bytes.substr(used);
      if (rest.empty()) return ParseState::More;
      error = {};
      const std::size_t taken = parser->put(asio::buffer(rest.data(), rest.size()), error);
      used += taken;
      if (error == http::error::need_more) {
        error = {};
        return ParseState::More;
      }
      if (error) return ParseState::Bad;
      if (taken == 0 && !parser->is_done()) return ParseState::More;
    }
    return ParseState::Done;
  }

  std::size_t max_body;
  Message message;
  Framing framing;
  std::optional<Parser<Message, is_request>> parser;
  error_code error;
};

void append_number(std::string& out, std::size_t number) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

/// Text of the product's own, so never a request's field: a control character in it would forge a header.
void append_field_text(std::string& out, std::string_view text) {
  if (is_field_text(text)) {
    out.append(text);
    return;
  }
  for (const char c : text) out.push_back(is_field_text({&c, 1}) ? c : ' ');
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  append_field_text(out, name);
  out.append(": ");
  append_field_text(out, value);
  out.append("\r\n");
}

/// Fields that say how a message is delimited are this file's to write.
bool is_framing_field(std::string_view name) {
  return same_text(name, "Content-Length") || same_text(name, "Transfer-Encoding") || same_text(name, "Connection") ||
         same_text(name, "Keep-Alive");
}

}  // namespace

struct RequestParser::Impl : Sequence<HttpRequest, true> {
  using Sequence::Sequence;
};
RequestParser::RequestParser(std::size_t max_body_bytes) : impl_(std::make_unique<Impl>(max_body_bytes)) {}
RequestParser::~RequestParser() = default;
ParseState RequestParser::take(std::string_view bytes, std::size_t& used) { return impl_->take(bytes, used); }
void RequestParser::next() { impl_->restart(); }
bool RequestParser::begun() const { return impl_->parser->got_some(); }
bool RequestParser::header_done() const { return impl_->parser->is_header_done(); }
const HttpRequest& RequestParser::request() const { return impl_->message; }
const Framing& RequestParser::framing() const { return impl_->framing; }
int RequestParser::refusal() const {
  if (impl_->error == http::error::body_limit) return 413;
  if (impl_->error == http::error::header_limit) return 431;
  return 400;
}

struct ResponseParser::Impl : Sequence<HttpResponse, false> {
  using Sequence::Sequence;
};
ResponseParser::ResponseParser(std::size_t max_body_bytes) : impl_(std::make_unique<Impl>(max_body_bytes)) {}
ResponseParser::~ResponseParser() = default;
ParseState ResponseParser::take(std::string_view bytes, std::size_t& used) { return impl_->take(bytes, used); }
ParseState ResponseParser::take_end() {
  if (!impl_->parser->is_header_done()) return ParseState::Bad;
  impl_->parser->put_eof(impl_->error);
  return impl_->error ? ParseState::Bad : ParseState::Done;
}
void ResponseParser::next(bool to_head) {
  impl_->restart();
  impl_->parser->skip(to_head);
}
bool ResponseParser::begun() const { return impl_->parser->got_some(); }
HttpResponse& ResponseParser::response() { return impl_->message; }
const Framing& ResponseParser::framing() const { return impl_->framing; }
std::string ResponseParser::why_bad() const { return impl_->error.message(); }

void append_response(std::string& out, const HttpResponse& response, ResponseStyle style) {
  const bool bodiless = response.status < 200 || response.status == 204 || response.status == 304;
  out.reserve(out.size() + response.body.size() + 256);
  out.append(style.http10 ? "HTTP/1.0 " : "HTTP/1.1 ");
  append_number(out, static_cast<std::size_t>(std::clamp(response.status, 100, 999)));
  out.push_back(' ');
  const auto reason = http::obsolete_reason(http::int_to_status(static_cast<unsigned>(response.status)));
  out.append(reason.data(), reason.size());
  out.append("\r\n");
  // 101 switches the protocol: its own Connection field is part of that.
  for (const auto& [name, value] : response.headers)
    if (response.status == 101 || !is_framing_field(name)) append_field(out, name, value);
  if (!style.keep_alive)
    out.append("Connection: close\r\n");
  else if (style.http10)
    out.append("Connection: keep-alive\r\n");
  if (!bodiless) {
    out.append("Content-Length: ");
    append_number(out, response.body.size());
    out.append("\r\n");
  }
  out.append("\r\n");
  if (!bodiless && !style.to_head) out.append(response.body);
}

void append_request(std::string& out, const HttpRequest& request, std::string_view host) {
  out.reserve(out.size() + request.target.size() + request.body.size() + 256);
  out.append(request.method).append(" ").append(request.target).append(" HTTP/1.1\r\n");
  append_field(out, "Host", host);
  bool named = false;
  for (const auto& [name, value] : request.headers) {
    if (same_text(name, "Host") || (is_framing_field(name) && !same_text(name, "Connection"))) continue;
    named = named || same_text(name, "User-Agent");
    append_field(out, name, value);
  }
  if (!named) out.append("User-Agent: qtrader\r\n");
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT" || request.method == "PATCH") {
    out.append("Content-Length: ");
    append_number(out, request.body.size());
    out.append("\r\n");
  }
  out.append("\r\n").append(request.body);
}

}  // namespace qtrader::net
