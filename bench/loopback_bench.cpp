// One order and back over loopback: our client against our exchange server on another thread, in REST and over the
// WebSocket API, beside what the same sockets cost when nobody does anything: the HTTP client against a handler that
// answers at once, and a byte for byte ping-pong of two bare sockets.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <thread>

#include "bench/bench.hpp"
#include "bench/contracts.hpp"
#include "edge/binance/requests.hpp"
#include "edge/exchange/server.hpp"
#include "edge/net/certificate.hpp"
#include "edge/net/client.hpp"

namespace qtrader::bench {
namespace {

constexpr std::size_t kMessage = 400;  // bytes; about an order and about its answer
constexpr base::Duration kPatience = base::seconds(5);

base::Error bad(std::string what) { return {"bench", base::Errc::Unavailable, std::move(what)}; }

struct Distribution {
  double p50 = 0, p99 = 0, best = 0;  // µs
};
Distribution distribution(std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  const auto at = [&](double q) {
    return seconds[static_cast<std::size_t>(q * static_cast<double>(seconds.size() - 1))] * 1e6;
  };
  return {at(0.5), at(0.99), at(0)};
}

/// Times `count` calls of fn, after a tenth as many to warm up. fn gives an error to stop.
template <class Fn>
base::Result<Distribution> measure(int count, Fn&& fn) {
  std::vector<double> seconds;
  for (int i = -count / 10; i < count; ++i) {
    const double start = system::steady_seconds();
    QT_TRY_VOID(fn());
    if (i >= 0) seconds.push_back(system::steady_seconds() - start);
  }
  return distribution(std::move(seconds));
}

/// A server with a loop and a thread of its own. make(loop) gives a base::Result of the server.
template <class Server>
class Elsewhere {
 public:
  template <class Make>
  explicit Elsewhere(Make make)
      : thread_([this, make = std::move(make)] {
          net::Loop loop;
          auto server = make(loop);
          loop_ = &loop;
          started_.set_value(server ? base::Result<std::uint16_t>((*server)->port()) : server.error());
          if (server) loop.run();
        }) {
    port_ = started_.get_future().get();
  }
  ~Elsewhere() {
    if (port_) loop_->post([loop = loop_] { loop->stop(); });
    thread_.join();
  }
  const base::Result<std::uint16_t>& port() const { return port_; }

 private:
  net::Loop* loop_ = nullptr;
  std::promise<base::Result<std::uint16_t>> started_;
  base::Result<std::uint16_t> port_ = bad("not started");
  std::thread thread_;  // last: it uses the others
};

// ---- bare sockets

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { ::close(fd_); }
  int fd() const { return fd_; }
  bool send_all(const std::string& data) const {
    return ::send(fd_, data.data(), data.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(data.size());
  }
  bool receive(std::string& into) const {
    for (std::size_t got = 0; got < into.size();) {
      const ssize_t n = ::recv(fd_, into.data() + got, into.size() - got, 0);
      if (n <= 0) return false;
      got += static_cast<std::size_t>(n);
    }
    return true;
  }

 private:
  int fd_;
};

base::Result<Distribution> bare_sockets(int count) {
  const Socket listener(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener.fd(), generic, length) != 0 || ::listen(listener.fd(), 1) != 0 ||
      ::getsockname(listener.fd(), generic, &length) != 0)
    return bad("a bare socket cannot listen");
  std::thread echo([&] {
    const Socket peer(::accept(listener.fd(), nullptr, nullptr));
    std::string message(kMessage, ' ');
    while (peer.receive(message) && peer.send_all(message)) {
    }
  });
  base::Result<Distribution> out = bad("a bare socket cannot connect");
  {
    const Socket client(::socket(AF_INET, SOCK_STREAM, 0));
    if (::connect(client.fd(), generic, length) == 0) {
      std::string message(kMessage, 'x');
      out = measure(count, [&]() -> base::Result<void> {
        if (!client.send_all(message) || !client.receive(message)) return bad("a bare socket broke");
        return {};
      });
    } else {
      ::shutdown(listener.fd(), SHUT_RDWR);
    }
  }
  echo.join();
  return out;
}

// ---- HTTP without an exchange behind it

base::Result<Distribution> trivial_handler(int count) {
  const Elsewhere<net::HttpServer> server([](net::Loop& loop) {
    net::HttpServer::Handlers handlers;
    handlers.on_request = [](const net::HttpRequest&, std::string_view, net::Responder responder) {
      responder.send({200, {{"Content-Type", "application/json"}}, std::string(kMessage, ' ')});
    };
    return net::HttpServer::start(loop, {}, std::move(handlers));
  });
  QT_TRY(const auto port, server.port());
  net::Loop loop;
  QT_TRY(const auto client, net::HttpClient::create(loop, fmt::format("http://127.0.0.1:{}", port), {}));
  const std::string query(250, 'x');
  return measure(count, [&]() -> base::Result<void> {
    std::optional<bool> ok;
    client->request({"POST", "/fapi/v1/order?" + query, {{"X-MBX-APIKEY", "demo"}}, {}}, {},
                    [&](const net::HttpResult& r) { ok = std::holds_alternative<net::HttpResponse>(r); });
    while (!ok) loop.run_for(kPatience);
    return *ok ? base::Result<void>() : bad("no answer from the trivial handler");
  });
}

// ---- the exchange

struct ExchangeThread {
  ExchangeThread(const Contracts& c, std::optional<net::ServerTls> tls)
      : server([c, tls](net::Loop& loop) -> base::Result<std::unique_ptr<exchange::ExchangeServer>> {
          QT_TRY(auto table, domain::InstrumentTable::create(c.instruments));
          const playback::SyntheticMarket market{
              c.symbols, domain::Timeframe::M5, base::Timestamp::from_unix_ms(1'704'067'200'000), {}, 1};
          QT_TRY(auto source, playback::open_synthetic(market, table, {}));
          exchange::ExchangeServerConfig config;
          config.net.tls = tls;
          config.api.enforce_limits = false;
          config.wall_clock = true;
          config.warm_up = base::hours(1);
          config.accounts = {{.balance = domain::Money::from_int(1'000'000)}};
          return exchange::ExchangeServer::start(loop, std::move(config), std::move(table), c.rules, std::move(source),
                                                 {});
        }) {}
  Elsewhere<exchange::ExchangeServer> server;
};

/// Calls of our REST client, one after the other.
class Rest {
 public:
  static base::Result<std::unique_ptr<Rest>> open(const std::string& url, const std::string& ca_file) {
    auto rest = std::make_unique<Rest>();
    QT_TRY(const auto endpoints, binance::endpoints_at(url, ca_file));
    QT_TRY(rest->client_, binance::RestClient::create(rest->loop_, endpoints, {"demo", binance::Secret("demo"), {}}, {},
                                                      [] { return system::wall_now(); }));
    rest->client_->set_limits(1'000'000'000, 1'000'000'000, 1'000'000'000);
    std::optional<base::Result<void>> synced;
    rest->client_->sync_time([&](base::Result<void> r) { synced = std::move(r); });
    while (!synced) rest->loop_.run_for(kPatience);
    QT_TRY_VOID(*synced);
    return rest;
  }
  base::Result<std::string> call(binance::Call call) {
    std::optional<binance::ApiResult> result;
    client_->call(std::move(call), [&](binance::ApiResult r) { result = std::move(r); });
    while (!result) loop_.run_for(kPatience);
    if (const auto* failure = std::get_if<binance::ApiFailure>(&*result))
      return bad(fmt::format("{} ({})", failure->message, failure->code));
    return std::get<std::string>(std::move(*result));
  }
  net::Loop& loop() { return loop_; }

 private:
  net::Loop loop_;
  std::unique_ptr<binance::RestClient> client_;
};

/// A limit order that rests: three percent below the last price, on the tick.
base::Result<domain::Order> resting_order(Rest& rest, const Contracts& c) {
  binance::Call call;
  call.path = "/fapi/v1/premiumIndex";
  call.parameters = {{"symbol", c.symbols[0]}};
  QT_TRY(const std::string body, rest.call(call));
  const auto at = body.find("\"markPrice\":\"");
  if (at == std::string::npos) return bad("premiumIndex has no markPrice: " + body);
  const double mark = std::strtod(body.c_str() + at + 13, nullptr);
  domain::Order order;
  order.type = domain::OrderType::Limit;
  order.time_in_force = domain::TimeInForce::Gtc;
  order.quantity = domain::Quantity::parse("0.010").value();
  const std::int64_t tick = c.instruments[0].tick_size.raw();
  order.limit_price = domain::Price::from_raw(domain::Price::from_double(mark * 0.97).raw() / tick * tick);
  return order;
}

struct OrderTimes {
  Distribution place, cancel;
};
base::Result<OrderTimes> rest_orders(int count, const std::string& url, const std::string& ca_file,
                                     const Contracts& c) {
  QT_TRY(const auto rest, Rest::open(url, ca_file));
  QT_TRY(const auto order, resting_order(*rest, c));
  std::vector<double> place, cancel;
  for (int i = -count / 10; i < count; ++i) {
    const std::string id = fmt::format("bench-{}", i + count);
    const double start = system::steady_seconds();
    QT_TRY_VOID(rest->call(binance::requests::place(order, c.symbols[0], id)));
    const double placed = system::steady_seconds();
    QT_TRY_VOID(rest->call(binance::requests::cancel({c.symbols[0], id, 0, false})));
    if (i < 0) continue;
    place.push_back(placed - start);
    cancel.push_back(system::steady_seconds() - placed);
  }
  return OrderTimes{distribution(std::move(place)), distribution(std::move(cancel))};
}

std::string api_frame(const std::string& method, std::vector<std::pair<std::string, std::string>> parameters) {
  parameters.emplace_back("apiKey", "demo");
  parameters.emplace_back("timestamp", std::to_string(system::wall_now().unix_ms()));
  std::sort(parameters.begin(), parameters.end());
  std::string payload, json;
  for (const auto& [name, value] : parameters) {
    payload += (payload.empty() ? "" : "&") + name + "=" + value;
    json += "\"" + name + "\":\"" + value + "\",";
  }
  const auto signature = binance::sign({"demo", binance::Secret("demo"), {}}, payload);
  return fmt::format(R"({{"id":"1","method":"{}","params":{{{}"signature":"{}"}}}})", method, json,
                     signature ? *signature : "");
}

base::Result<Distribution> socket_orders(int count, std::uint16_t port, const Contracts& c) {
  QT_TRY(const auto rest, Rest::open(fmt::format("http://127.0.0.1:{}", port), ""));
  QT_TRY(const auto order, resting_order(*rest, c));
  net::Loop& loop = rest->loop();
  std::optional<base::Result<std::shared_ptr<net::WebSocket>>> opened;
  const auto attempt = net::connect_websocket(loop, fmt::format("ws://127.0.0.1:{}/ws-fapi/v1", port), {},
                                              [&](auto socket) { opened = std::move(socket); });
  while (!opened) loop.run_for(kPatience);
  QT_TRY_VOID(*opened);
  std::string answer;
  (**opened)->set_handlers({.on_text = [&](std::string_view text) { answer = text; }});
  const auto ask = [&](std::string frame) -> base::Result<void> {
    answer.clear();
    (**opened)->send(std::move(frame));
    while (answer.empty()) loop.run_for(kPatience);
    return answer.find("\"status\":200") != std::string::npos ? base::Result<void>() : bad(answer);
  };
  std::vector<double> place;
  for (int i = -count / 10; i < count; ++i) {
    const double start = system::steady_seconds();
    QT_TRY_VOID(ask(api_frame("order.place", {{"symbol", c.symbols[0]},
                                              {"side", "BUY"},
                                              {"type", "LIMIT"},
                                              {"timeInForce", "GTC"},
                                              {"quantity", order.quantity.to_string()},
                                              {"price", order.limit_price.to_string()},
                                              {"newClientOrderId", "bench"}})));
    if (i >= 0) place.push_back(system::steady_seconds() - start);
    QT_TRY_VOID(ask(api_frame("order.cancel", {{"symbol", c.symbols[0]}, {"origClientOrderId", "bench"}})));
  }
  return distribution(std::move(place));
}

struct Base {
  Distribution socket, http;
};
Figure figure(const std::string& name, const Distribution& d, const Base& base, std::string note) {
  return {name,
          {{"p50_us", d.p50},
           {"p99_us", d.p99},
           {"best_us", d.best},
           {"p50_times_http", d.p50 / base.http.p50},
           {"p99_times_http", d.p99 / base.http.p99},
           {"p50_times_socket", d.p50 / base.socket.p50},
           {"p99_times_socket", d.p99 / base.socket.p99}},
          std::move(note)};
}

}  // namespace

base::Result<std::vector<Figure>> bench_loopback(const Options& options) {
  const int count = options.quick ? 500 : 10'000;
  const Contracts c = contracts(1);
  Base raw;
  QT_TRY(raw.socket, bare_sockets(count));
  QT_TRY(raw.http, trivial_handler(count));
  std::vector<Figure> out;
  out.push_back(figure("loopback.socket", raw.socket, raw, "400 bytes there and back, two threads, blocking sockets"));
  out.push_back(figure("loopback.http", raw.http, raw, "edge/net client and server, a handler that answers at once"));
  {
    const ExchangeThread exchange(c, std::nullopt);
    QT_TRY(const auto port, exchange.server.port());
    QT_TRY(const auto orders, rest_orders(count, fmt::format("http://127.0.0.1:{}", port), "", c));
    out.push_back(figure("order.rest.place", orders.place, raw, "signed POST /fapi/v1/order, call to parsed answer"));
    out.push_back(figure("order.rest.cancel", orders.cancel, raw, "signed DELETE /fapi/v1/order"));
    QT_TRY(const auto frames, socket_orders(count, port, c));
    out.push_back(figure("order.ws_api.place", frames, raw, "signed order.place on the WebSocket API"));
  }
  const std::string certificate = options.scratch / "bench.pem", key = options.scratch / "bench.key";
  QT_TRY_VOID(net::write_self_signed(certificate, key, {"127.0.0.1"}));
  const ExchangeThread exchange(c, net::ServerTls{certificate, key});
  QT_TRY(const auto port, exchange.server.port());
  QT_TRY(const auto orders, rest_orders(count, fmt::format("https://127.0.0.1:{}", port), certificate, c));
  out.push_back(figure("order.rest_tls.place", orders.place, raw, "the same over TLS"));
  return out;
}

}  // namespace qtrader::bench
