// HTTP/1.1 messages to and from bytes. Parsers take bytes as they come and fill plain values; no sockets here.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "edge/net/http.hpp"

namespace qtrader::net {

/// A header of more bytes is refused; a read buffer holds at least this much.
inline constexpr std::size_t kMaxHeaderBytes = 16u << 10;
inline constexpr std::size_t kReadBufferBytes = 32u << 10;

enum class ParseState { More, Done, Bad };

/// What only the wire tells about a message.
struct Framing {
  bool keep_alive = false;
  bool http10 = false;
  bool expects_continue = false;
};

class RequestParser {
 public:
  explicit RequestParser(std::size_t max_body_bytes);
  ~RequestParser();
  /// Takes bytes of one request, at most to its end; `used` says how many. Bytes not used are given again.
  ParseState take(std::string_view bytes, std::size_t& used);
  void next();  // after Done: another request begins
  bool begun() const;
  bool header_done() const;
  const HttpRequest& request() const;
  const Framing& framing() const;
  int refusal() const;  // after Bad: 400, 413 or 431

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class ResponseParser {
 public:
  explicit ResponseParser(std::size_t max_body_bytes);
  ~ResponseParser();
  ParseState take(std::string_view bytes, std::size_t& used);
  /// The peer has ended its side: Done if that is how this response's body ends.
  ParseState take_end();
  /// `to_head`: the answer to a HEAD request has no body whatever its header says.
  void next(bool to_head);
  bool begun() const;
  HttpResponse& response();
  const Framing& framing() const;
  std::string why_bad() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct ResponseStyle {
  bool keep_alive = true;
  bool http10 = false;
  bool to_head = false;
};
void append_response(std::string& out, const HttpResponse& response, ResponseStyle style);
void append_request(std::string& out, const HttpRequest& request, std::string_view host);

}  // namespace qtrader::net
