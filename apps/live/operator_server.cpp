#include "apps/live/operator_server.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <fstream>
#include <iterator>
#include <random>

#include "core/base/json.hpp"
#include "edge/net/client.hpp"

namespace qtrader::apps {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

base::Error bad(base::Errc code, std::string what) { return {"operator", code, std::move(what)}; }

std::string error_body(const std::string& text) {
  std::string out = "{\"error\":";
  base::append_json_string(out, text);
  return out + "}";
}

/// Readable by the owner alone from its first byte on.
base::Result<void> write_private(const fs::path& file, const std::string& text) {
  ::unlink(file.c_str());
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return bad(base::Errc::Io, file.string() + ": cannot create");
  const bool whole = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  if (!whole) return bad(base::Errc::Io, file.string() + ": cannot write");
  return {};
}

/// Compared in time that does not depend on where they differ.
bool same_token(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    difference |= static_cast<unsigned>(static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]));
  return difference == 0;
}

std::string text_of(const json::object& object, const char* key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

/// What error_body() was made of.
std::string error_text(const std::string& body) {
  boost::system::error_code ec;
  const json::value value = json::parse(body, ec);
  return !ec && value.is_object() ? text_of(value.as_object(), "error") : body;
}

}  // namespace

std::string random_token() {
  std::random_device device;
  std::string out;
  for (int i = 0; i < 4; ++i) out += fmt::format("{:08x}", device());
  return out;
}

OperatorServer::OperatorServer(Handlers handlers, fs::path file, std::string token)
    : handlers_(std::move(handlers)), file_(std::move(file)), token_(std::move(token)) {}

OperatorServer::~OperatorServer() {
  std::error_code ec;
  fs::remove(file_, ec);
}

base::Result<std::unique_ptr<OperatorServer>> OperatorServer::start(net::Loop& loop, std::uint16_t port,
                                                                    const fs::path& state, Handlers handlers) {
  std::unique_ptr<OperatorServer> self(
      new OperatorServer(std::move(handlers), state / "operator.json", random_token()));
  net::ServerConfig config;
  config.port = port;
  net::HttpServer::Handlers on;
  on.on_request = [raw = self.get()](const net::HttpRequest& request, std::string_view, net::Responder responder) {
    responder.send(raw->answer(request));
  };
  on.on_upgrade = [](const net::HttpRequest&) -> std::optional<net::HttpResponse> {
    return net::HttpResponse{404, {}, ""};
  };
  on.on_open = [](const net::HttpRequest&, std::string_view, std::shared_ptr<net::WebSocket>) {};
  QT_TRY(self->server_, net::HttpServer::start(loop, config, std::move(on)));
  QT_TRY_VOID(write_private(self->file_, fmt::format("{{\"port\":{},\"token\":\"{}\",\"pid\":{}}}\n", self->port(),
                                                     self->token_, ::getpid())));
  return self;
}

net::HttpResponse OperatorServer::answer(const net::HttpRequest& request) const {
  net::HttpResponse response;
  response.headers = {{"Content-Type", "application/json"}};
  const auto refuse = [&](int status, const std::string& text) {
    response.status = status;
    response.body = error_body(text);
    return response;
  };
  if (!same_token(net::header(request.headers, "X-Operator-Token"), token_))
    return refuse(401, "wrong or missing token");
  if (request.method == "GET" && request.target == "/status") {
    response.body = base::to_json(handlers_.status());
    return response;
  }
  const bool as_text = request.target == "/calibration.txt";
  if (request.method == "GET" && (as_text || request.target == "/calibration")) {
    const auto calibration = handlers_.calibration();
    if (!calibration) return refuse(404, calibration.error().context);
    if (as_text) response.headers = {{"Content-Type", "text/plain; charset=utf-8"}};
    response.body = as_text ? to_text(*calibration) : base::to_json(*calibration);
    return response;
  }
  if (request.method != "POST" || request.target != "/operator") return refuse(404, request.target + ": unknown");
  boost::system::error_code ec;
  const json::value body = json::parse(request.body, ec);
  if (ec || !body.is_object()) return refuse(400, "expected a JSON object");
  domain::OperatorAction action{};
  const std::string name = text_of(body.as_object(), "action");
  if (!base::enum_from_name(name, action))
    return refuse(400, "action '" + name + "': expected Kill, Resume, CloseAll, CloseSymbol or RollBackCalibration");
  const auto done = handlers_.command(action, text_of(body.as_object(), "symbol"), text_of(body.as_object(), "reason"));
  if (!done) return refuse(400, done.error().context);
  response.body = "{\"accepted\":true}";
  return response;
}

base::Result<std::string> send_to_operator(const fs::path& state, const net::HttpRequest& request) {
  std::ifstream in(state / "operator.json");
  if (!in) return bad(base::Errc::NotFound, state.string() + ": no trader runs there (no operator.json)");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  boost::system::error_code ec;
  const json::value who = json::parse(text, ec);
  if (ec || !who.is_object() || !who.as_object().contains("port"))
    return bad(base::Errc::Corrupt, (state / "operator.json").string() + ": not readable");
  net::Loop loop;
  QT_TRY(auto client,
         net::HttpClient::create(loop, fmt::format("http://127.0.0.1:{}", who.at("port").to_number<int>()), {}));
  net::HttpRequest full = request;
  full.headers.emplace_back("X-Operator-Token", std::string(who.at("token").as_string()));
  std::optional<net::HttpResult> result;
  client->request(std::move(full), {}, [&](net::HttpResult r) { result = std::move(r); });
  while (!result) loop.run_for(base::milliseconds(50));
  if (const auto* failure = std::get_if<net::HttpFailure>(&*result))
    return bad(base::Errc::NotFound, state.string() + ": no trader answers there: " + failure->error.context);
  const auto& response = std::get<net::HttpResponse>(*result);
  if (response.status != 200) return bad(base::Errc::Conflict, error_text(response.body));
  return response.body;
}

base::Result<void> send_to_operator(const fs::path& state, domain::OperatorAction action, std::string_view reason) {
  net::HttpRequest request;
  request.method = "POST";
  request.target = "/operator";
  request.headers = {{"Content-Type", "application/json"}};
  request.body = fmt::format("{{\"action\":\"{}\",\"reason\":", base::enum_name(action));
  base::append_json_string(request.body, reason);
  request.body += "}";
  const auto answer = send_to_operator(state, request);
  if (!answer) return answer.error();
  return {};
}

}  // namespace qtrader::apps
