// What the tests of the server share: a server on loopback, a client that signs, sockets that remember.
#pragma once

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "edge/exchange/server.hpp"
#include "edge/exchange/stream_testing.hpp"
#include "edge/net/client.hpp"
#include "edge/net/testing.hpp"

namespace qtrader::exchange::testing {

inline std::string hmac_hex(std::string_view secret, std::string_view text) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), out, &size);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    constexpr char kDigits[] = "0123456789abcdef";
    hex += kDigits[out[i] >> 4];
    hex += kDigits[out[i] & 15];
  }
  return hex;
}

struct Reply {
  bool arrived = false, failed = false;
  int status = 0;
  net::Headers headers;
  std::string text;
  json::value body() const { return text.empty() ? json::value() : json::parse(text); }
};

struct Ear {
  std::shared_ptr<net::WebSocket> socket;
  std::vector<std::string> texts;
  bool open = false, refused = false, closed = false;
  std::unique_ptr<net::WebSocketAttempt> attempt;

  std::vector<std::string> events() const {
    std::vector<std::string> out;
    for (const auto& t : texts) {
      const auto v = json::parse(t);
      const auto& o = v.as_object().contains("data") ? v.at("data").as_object() : v.as_object();
      if (o.contains("e")) out.emplace_back(o.at("e").as_string());
    }
    return out;
  }
};

class ServerTest : public ::testing::Test {
 protected:
  /// A lockstep server whose market is at its opening.
  void start(std::vector<MarketTick> more = {}, ExchangeServerConfig config = {}) {
    auto ticks = opening();
    ticks.insert(ticks.end(), more.begin(), more.end());
    if (config.speed == 1) config.lockstep = true;
    tls = config.net.tls.has_value();
    auto made = ExchangeServer::start(loop, std::move(config), contracts(), contract_rules(),
                                      std::make_unique<ScriptSource>(std::move(ticks)), {});
    ASSERT_TRUE(made.ok()) << made.error().message();
    server = std::move(made).value();
    connect_client();
  }
  void connect_client() {
    net::ClientConfig client_config;
    client_config.ca_file = ca_file;
    auto made = net::HttpClient::create(loop, url(tls ? "https" : "http", ""), client_config);
    ASSERT_TRUE(made.ok()) << made.error().message();
    client = std::move(made).value();
  }
  std::string url(const std::string& scheme, const std::string& target) const {
    return scheme + "://127.0.0.1:" + std::to_string(server->port()) + target;
  }

  std::shared_ptr<Reply> send(net::HttpRequest request) {
    auto reply = std::make_shared<Reply>();
    client->request(std::move(request), {}, [reply](net::HttpResult result) {
      reply->arrived = true;
      if (auto* response = std::get_if<net::HttpResponse>(&result)) {
        reply->status = response->status;
        reply->headers = response->headers;
        reply->text = response->body;
      } else {
        reply->failed = true;
      }
    });
    return reply;
  }
  Reply wait(const std::shared_ptr<Reply>& reply) {
    EXPECT_TRUE(net::test::run_until(loop, [&] { return reply->arrived; }));
    return *reply;
  }
  Reply get(const std::string& target) { return wait(send({"GET", target, {}, ""})); }
  std::shared_ptr<Reply> send_signed(const std::string& method, const std::string& path, std::string params,
                                     const std::string& key = "demo") {
    params += (params.empty() ? "" : "&") + std::string("timestamp=") + std::to_string(server->now().unix_ms());
    params += "&signature=" + hmac_hex("demo", params);
    return send({method, path + "?" + params, {{"X-MBX-APIKEY", key}}, ""});
  }
  Reply signed_call(const std::string& method, const std::string& path, const std::string& params = "") {
    return wait(send_signed(method, path, params));
  }
  Reply control(const std::string& method, const std::string& path, const std::string& body = "",
                const std::string& key = "control") {
    return wait(send({method, "/control/" + path, {{"X-Control-Key", key}}, body}));
  }
  void fault(const std::string& rule) {
    const auto reply = control("POST", "faults", rule);
    ASSERT_EQ(reply.status, 200) << reply.text;
  }
  void advance_to(std::int64_t ms) {
    const auto reply = control("POST", "advance", "{\"to_ms\":" + std::to_string(at_ms(ms).unix_ms()) + "}");
    ASSERT_EQ(reply.status, 200) << reply.text;
  }

  std::shared_ptr<Ear> listen(const std::string& target) {
    auto ear = std::make_shared<Ear>();
    net::ClientConfig client_config;
    client_config.ca_file = ca_file;
    ear->attempt =
        net::connect_websocket(loop, url(tls ? "wss" : "ws", target), client_config,
                               [ear = std::weak_ptr(ear)](base::Result<std::shared_ptr<net::WebSocket>> socket) {
                                 const auto e = ear.lock();
                                 if (!e) return;
                                 if (!socket) {
                                   e->refused = true;
                                   return;
                                 }
                                 e->socket = *socket;
                                 e->open = true;
                                 net::WebSocketHandlers handlers;
                                 handlers.on_text = [ear](std::string_view text) {
                                   if (const auto self = ear.lock()) self->texts.emplace_back(text);
                                 };
                                 handlers.on_close = [ear](std::string_view) {
                                   if (const auto self = ear.lock()) self->closed = true;
                                 };
                                 e->socket->set_handlers(std::move(handlers));
                               });
    EXPECT_TRUE(net::test::run_until(loop, [&] { return ear->open || ear->refused; }));
    return ear;
  }
  /// Every message that was sent before has arrived: the answer to a control frame comes after them.
  void settle(Ear& ear) {
    const auto id = "settle-" + std::to_string(++settled_);
    ear.socket->send("{\"method\":\"LIST_SUBSCRIPTIONS\",\"id\":\"" + id + "\"}");
    EXPECT_TRUE(net::test::run_until(
        loop, [&] { return ear.closed || (!ear.texts.empty() && ear.texts.back().find(id) != std::string::npos); }));
    if (!ear.closed) ear.texts.pop_back();
  }
  bool until(const std::function<bool()>& holds) { return net::test::run_until(loop, holds); }

  std::string listen_key() {
    const auto reply = wait(send({"POST", "/fapi/v1/listenKey", {{"X-MBX-APIKEY", "demo"}}, ""}));
    return std::string(reply.body().at("listenKey").as_string());
  }
  Reply buy(const std::string& quantity, const std::string& id) {
    return signed_call("POST", "/fapi/v1/order",
                       "symbol=BTCUSDT&side=BUY&type=MARKET&quantity=" + quantity + "&newClientOrderId=" + id);
  }
  Reply query(const std::string& id) {
    return signed_call("GET", "/fapi/v1/order", "symbol=BTCUSDT&origClientOrderId=" + id);
  }

  net::Loop loop;
  std::unique_ptr<ExchangeServer> server;
  std::unique_ptr<net::HttpClient> client;
  std::string ca_file;
  bool tls = false;

 private:
  int settled_ = 0;
};

}  // namespace qtrader::exchange::testing
