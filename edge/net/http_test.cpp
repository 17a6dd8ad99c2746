#include "edge/net/http.hpp"

#include <gtest/gtest.h>

#include <optional>

#include "edge/net/client.hpp"
#include "edge/net/server.hpp"
#include "edge/net/testing.hpp"

namespace qtrader::net {
namespace {

using test::RawClient;
using test::run_a_while;
using test::run_until;

TEST(Http, header_is_found_without_case) {
  const Headers headers{{"X-Mbx-ApiKey", "k"}, {"x-mbx-apikey", "second"}};
  EXPECT_EQ(header(headers, "X-MBX-APIKEY"), "k");
  EXPECT_EQ(header(headers, "absent"), "");
}

TEST(Http, query_is_split_and_decoded) {
  const auto pairs = parse_query("a=1&b=x%20y+z&&c&d=%zz%4");
  ASSERT_EQ(pairs.size(), 4u);
  EXPECT_EQ(pairs[0], (std::pair<std::string, std::string>("a", "1")));
  EXPECT_EQ(pairs[1], (std::pair<std::string, std::string>("b", "x y z")));
  EXPECT_EQ(pairs[2], (std::pair<std::string, std::string>("c", "")));
  EXPECT_EQ(pairs[3], (std::pair<std::string, std::string>("d", "%zz%4")));
}

TEST(Http, percent_encoding_round_trips_every_byte) {
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  EXPECT_EQ(percent_decode(percent_encode(all)), all);
  EXPECT_EQ(percent_encode("aZ09-._~ /+"), "aZ09-._~%20%2F%2B");
}

struct Served {
  explicit Served(ServerConfig config = {}, HttpServer::Handlers handlers = {}) {
    if (!handlers.on_request)
      handlers.on_request = [this](const HttpRequest& request, std::string_view from, Responder responder) {
        requests.push_back(request);
        peer = from;
        responders.push_back(responder);
        if (echo) responder.send({200, {{"X-Method", request.method}}, request.target + "|" + request.body});
      };
    auto started = HttpServer::start(loop, std::move(config), std::move(handlers));
    EXPECT_TRUE(started.ok()) << (started ? "" : started.error().message());
    server = std::move(started).value();
  }
  ~Served() {
    client.reset();
    server.reset();
  }

  HttpClient& connect(ClientConfig config = {}) {
    client = HttpClient::create(loop, url(), std::move(config)).value();
    return *client;
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(server->port()); }
  HttpResult ask(HttpRequest request, HttpOptions options = {}) {
    if (!client) connect();
    std::optional<HttpResult> result;
    client->request(std::move(request), options, [&](HttpResult r) { result = std::move(r); });
    EXPECT_FALSE(result.has_value()) << "called back from inside request()";
    EXPECT_TRUE(run_until(loop, [&] { return result.has_value(); }));
    return result ? *result : HttpResult(HttpFailure{});
  }

  Loop loop;
  std::vector<HttpRequest> requests;
  std::vector<Responder> responders;
  std::string peer;
  bool echo = true;
  std::unique_ptr<HttpServer> server;
  std::unique_ptr<HttpClient> client;
};

const HttpResponse& answer(const HttpResult& result) {
  static const HttpResponse kNone{0, {}, {}};
  if (const auto* failure = std::get_if<HttpFailure>(&result)) ADD_FAILURE() << failure->error.message();
  const auto* response = std::get_if<HttpResponse>(&result);
  return response ? *response : kNone;
}
const HttpFailure& failure(const HttpResult& result) {
  static const HttpFailure kNone{};
  const auto* failed = std::get_if<HttpFailure>(&result);
  if (!failed) ADD_FAILURE() << "answered with status " << std::get<HttpResponse>(result).status;
  return failed ? *failed : kNone;
}

TEST(Http, request_and_answer_travel_whole) {
  Served served;
  std::string body(300'000, 'b');
  body[7] = '\0';
  const HttpResult result = served.ask({"POST", "/fapi/v1/order?a=b", {{"X-Key", "v"}}, body});
  EXPECT_EQ(answer(result).status, 200);
  EXPECT_EQ(answer(result).body, "/fapi/v1/order?a=b|" + body);
  EXPECT_EQ(header(answer(result).headers, "x-method"), "POST");
  ASSERT_EQ(served.requests.size(), 1u);
  EXPECT_EQ(header(served.requests[0].headers, "X-Key"), "v");
  EXPECT_EQ(header(served.requests[0].headers, "User-Agent"), "qtrader");
  EXPECT_EQ(header(served.requests[0].headers, "Host"), served.url().substr(7));
  EXPECT_EQ(served.peer, "127.0.0.1");
}

TEST(Http, connection_is_kept_and_used_again) {
  Served served;
  for (int i = 0; i < 20; ++i) answer(served.ask({"GET", "/" + std::to_string(i), {}, {}}));
  EXPECT_EQ(served.server->connections(), 1u);
}

TEST(Http, head_has_no_body_and_no_content_answers_end) {
  Served served;
  EXPECT_EQ(answer(served.ask({"HEAD", "/x", {}, {}})).body, "");
  EXPECT_EQ(answer(served.ask({"GET", "/y", {}, {}})).body, "/y|");
  served.echo = false;
  std::optional<HttpResult> result;
  served.client->request({"GET", "/z", {}, {}}, {}, [&](HttpResult r) { result = std::move(r); });
  ASSERT_TRUE(run_until(served.loop, [&] { return served.responders.size() == 3; }));
  served.responders.back().send({204, {}, "not sent"});
  ASSERT_TRUE(run_until(served.loop, [&] { return result.has_value(); }));
  EXPECT_EQ(answer(*result).status, 204);
  EXPECT_EQ(answer(*result).body, "");
  EXPECT_EQ(served.server->connections(), 1u);
}

TEST(Http, answers_keep_the_order_of_pipelined_requests) {
  Served served;
  served.echo = false;
  RawClient raw(served.server->port());
  std::string all;
  for (int i = 0; i < 5; ++i) all += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n\r\n";
  raw.send(all);
  ASSERT_TRUE(run_until(served.loop, [&] { return served.responders.size() == 5; }));
  for (const int i : {3, 1, 4, 2}) served.responders[static_cast<std::size_t>(i)].send({200, {}, std::to_string(i)});
  run_a_while(served.loop);
  EXPECT_EQ(raw.received(), "");
  served.responders[0].send({200, {}, "0"});
  served.responders[0].send({200, {}, "the first answer counts"});
  std::string expected;
  for (int i = 0; i < 5; ++i) expected += "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + std::to_string(i);
  ASSERT_TRUE(run_until(served.loop, [&] { return raw.received().size() >= expected.size(); }));
  EXPECT_EQ(raw.received(), expected);
}

TEST(Http, thousands_of_pipelined_requests_are_all_answered) {
  Served served;
  RawClient raw(served.server->port());
  std::string all, expected;
  for (int i = 10'000; i < 60'000; ++i) {
    const std::string target = "/" + std::to_string(i);
    all += "GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n";
    expected += "HTTP/1.1 200 OK\r\nX-Method: GET\r\nContent-Length: 7\r\n\r\n" + target + "|";
  }
  std::size_t sent = 0;
  ASSERT_TRUE(run_until(served.loop, [&] {
    sent += raw.try_send(std::string_view(all).substr(sent));
    return raw.received().size() >= expected.size();
  }));
  EXPECT_TRUE(raw.received() == expected);
}

TEST(Http, answers_that_wait_hold_back_further_requests) {
  Served served;
  served.echo = false;
  RawClient raw(served.server->port());
  constexpr std::size_t kCount = 1'000;
  std::string all;
  for (std::size_t i = 0; i < kCount; ++i) all += "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  raw.send(all);
  run_a_while(served.loop);
  EXPECT_LT(served.requests.size(), kCount);
  std::size_t answered = 0;
  ASSERT_TRUE(run_until(served.loop, [&] {
    while (answered < served.responders.size()) served.responders[answered++].send({200, {}, "x"});
    return answered == kCount;
  }));
}

TEST(Http, chunked_body_and_continue) {
  Served served;
  RawClient raw(served.server->port());
  raw.send("POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n");
  ASSERT_TRUE(run_until(served.loop, [&] { return !raw.received().empty(); }));
  EXPECT_EQ(raw.received(), "HTTP/1.1 100 Continue\r\n\r\n");
  raw.send("3\r\nabc\r\n");
  run_a_while(served.loop, 10);
  raw.send("2\r\nde\r\n0\r\n\r\n");
  ASSERT_TRUE(run_until(served.loop, [&] { return raw.received().find("/c|abcde") != std::string::npos; }));
}

TEST(Http, body_beyond_the_limit_is_refused) {
  ServerConfig config;
  config.max_body_bytes = 1'000;
  Served served(config);
  EXPECT_EQ(answer(served.ask({"POST", "/", {}, std::string(1'000, 'x')})).status, 200);
  EXPECT_EQ(answer(served.ask({"POST", "/", {}, std::string(1'001, 'x')})).status, 413);
  EXPECT_EQ(served.requests.size(), 1u);
  EXPECT_EQ(answer(served.ask({"POST", "/", {}, "again"})).status, 200);
}

TEST(Http, what_is_not_http_is_refused) {
  for (const auto& [text, status] : std::vector<std::pair<std::string, std::string>>{
           {"GARBAGE\r\n\r\n", "400"},
           {"GET / HTTP/1.1\r\nno colon\r\n\r\n", "400"},
           {"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", "400"},
           {"GET / HTTP/1.1\r\nA: " + std::string(40'000, 'a') + "\r\n\r\n", "431"}}) {
    Served served;
    RawClient raw(served.server->port());
    raw.send(text);
    ASSERT_TRUE(run_until(served.loop, [&] { return raw.ended(); }));
    EXPECT_EQ(raw.received().substr(0, 12), "HTTP/1.1 " + status) << text.substr(0, 40);
    raw.close();
    EXPECT_TRUE(run_until(served.loop, [&] { return served.server->connections() == 0; }));
  }
}

TEST(Http, close_and_old_http_are_honoured) {
  Served served;
  RawClient raw(served.server->port());
  raw.send("GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(run_until(served.loop, [&] { return raw.ended(); }));
  EXPECT_EQ(raw.received(), "HTTP/1.1 200 OK\r\nX-Method: GET\r\nConnection: close\r\nContent-Length: 3\r\n\r\n/a|");
  RawClient old(served.server->port());
  old.send("GET /c HTTP/1.0\r\n\r\n");
  ASSERT_TRUE(run_until(served.loop, [&] { return old.ended(); }));
  EXPECT_EQ(old.received().substr(0, 15), "HTTP/1.0 200 OK");
}

TEST(Http, half_closed_client_still_gets_its_answer) {
  Served served;
  served.echo = false;
  RawClient raw(served.server->port());
  raw.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
  raw.end_sending();
  ASSERT_TRUE(run_until(served.loop, [&] { return served.responders.size() == 1; }));
  run_a_while(served.loop, 10);
  served.responders[0].send({200, {}, "late"});
  ASSERT_TRUE(run_until(served.loop, [&] { return raw.ended(); }));
  EXPECT_NE(raw.received().find("late"), std::string::npos);
}

TEST(Http, dropped_responder_answers_500_and_abort_cuts) {
  Served served;
  served.echo = false;
  std::optional<HttpResult> first, second;
  served.connect().request({}, {}, [&](HttpResult r) { first = std::move(r); });
  ASSERT_TRUE(run_until(served.loop, [&] { return served.responders.size() == 1; }));
  served.responders.clear();
  ASSERT_TRUE(run_until(served.loop, [&] { return first.has_value(); }));
  EXPECT_EQ(answer(*first).status, 500);

  served.client->request({}, {}, [&](HttpResult r) { second = std::move(r); });
  ASSERT_TRUE(run_until(served.loop, [&] { return served.responders.size() == 1; }));
  served.responders[0].abort();
  ASSERT_TRUE(run_until(served.loop, [&] { return second.has_value(); }));
  EXPECT_TRUE(failure(*second).sent);
  EXPECT_EQ(failure(*second).error.code, base::Errc::Unavailable);
}

TEST(Http, connections_beyond_the_limit_get_503) {
  ServerConfig config;
  config.max_connections = 2;
  Served served(config);
  RawClient a(served.server->port()), b(served.server->port());
  ASSERT_TRUE(run_until(served.loop, [&] { return served.server->connections() == 2; }));
  RawClient c(served.server->port());
  ASSERT_TRUE(run_until(served.loop, [&] { return c.ended(); }));
  EXPECT_EQ(c.received().substr(0, 12), "HTTP/1.1 503");
  c.close();
  a.close();
  ASSERT_TRUE(run_until(served.loop, [&] { return served.server->connections() == 1; }));
  EXPECT_EQ(answer(served.ask({})).status, 200);
}

TEST(Http, idle_connection_is_closed_but_not_one_that_waits_for_us) {
  ServerConfig config;
  config.idle_timeout = base::milliseconds(60);
  Served served(config);
  served.echo = false;
  RawClient idle(served.server->port()), slow(served.server->port()), waits(served.server->port());
  slow.send("GET / HT");
  waits.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(run_until(served.loop, [&] { return idle.ended() && slow.ended(); }));
  run_a_while(served.loop, 150);
  EXPECT_FALSE(waits.ended());
  served.responders.at(0).send({200, {}, "here"});
  ASSERT_TRUE(run_until(served.loop, [&] { return waits.received().find("here") != std::string::npos; }));
}

TEST(Http, port_in_use_is_an_error_that_names_it) {
  Served served;
  ServerConfig config;
  config.port = served.server->port();
  const auto second = HttpServer::start(served.loop, config, {});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, base::Errc::Io);
  EXPECT_NE(second.error().context.find(std::to_string(config.port)), std::string::npos);
}

// --- the client's side -----------------------------------------------------------------------------------------------

TEST(HttpClient, timeout_fails_as_sent_and_the_next_request_works) {
  Served served;
  served.echo = false;
  HttpOptions options;
  options.timeout = base::milliseconds(40);
  const HttpResult late = served.ask({}, options);
  EXPECT_TRUE(failure(late).sent);
  EXPECT_NE(failure(late).error.context.find("no answer within"), std::string::npos);
  served.echo = true;
  EXPECT_EQ(answer(served.ask({})).status, 200);
}

TEST(HttpClient, refused_connection_fails_as_not_sent) {
  Served served;
  const std::string url = served.url();
  served.server.reset();
  served.client = HttpClient::create(served.loop, url, {}).value();
  EXPECT_FALSE(failure(served.ask({})).sent);
}

TEST(HttpClient, request_that_only_waited_fails_as_not_sent) {
  Served served;
  served.echo = false;
  ClientConfig config;
  config.max_connections = 1;
  config.max_waiting = 1;
  served.connect(config);
  std::optional<HttpResult> first, second, third;
  HttpOptions patient, hasty;
  hasty.timeout = base::milliseconds(40);
  served.client->request({}, patient, [&](HttpResult r) { first = std::move(r); });
  ASSERT_TRUE(run_until(served.loop, [&] { return served.responders.size() == 1; }));
  served.client->request({}, hasty, [&](HttpResult r) { second = std::move(r); });
  served.client->request({}, patient, [&](HttpResult r) { third = std::move(r); });
  ASSERT_TRUE(run_until(served.loop, [&] { return second.has_value() && third.has_value(); }));
  EXPECT_FALSE(failure(*second).sent);
  EXPECT_FALSE(failure(*third).sent);
  EXPECT_NE(failure(*third).error.context.find("waiting"), std::string::npos);
  EXPECT_FALSE(first.has_value());
  served.responders[0].send({});
  ASSERT_TRUE(run_until(served.loop, [&] { return first.has_value(); }));
  EXPECT_EQ(served.requests.size(), 1u);
}

TEST(HttpClient, server_that_closes_without_an_answer_counts_as_sent) {
  Served served;
  answer(served.ask({}));
  served.echo = false;
  std::optional<HttpResult> result;
  served.client->request({}, {}, [&](HttpResult r) { result = std::move(r); });
  ASSERT_TRUE(run_until(served.loop, [&] { return served.responders.size() == 2; }));
  served.server.reset();
  ASSERT_TRUE(run_until(served.loop, [&] { return result.has_value(); }));
  EXPECT_TRUE(failure(*result).sent);
}

TEST(HttpClient, urgent_requests_go_first) {
  Served served;
  ClientConfig config;
  config.max_connections = 1;
  served.connect(config);
  int done = 0;
  for (const auto& [target, urgent] :
       std::vector<std::pair<std::string, bool>>{{"/a", false}, {"/b", false}, {"/C", true}, {"/D", true}})
    served.client->request({"GET", target, {}, {}}, {base::seconds(5), urgent}, [&](HttpResult) { ++done; });
  ASSERT_TRUE(run_until(served.loop, [&] { return done == 4; }));
  std::string order;
  for (const auto& request : served.requests) order += request.target;
  EXPECT_EQ(order, "/C/D/a/b");
}

TEST(HttpClient, uses_no_more_connections_than_allowed) {
  Served served;
  ClientConfig config;
  config.max_connections = 3;
  served.connect(config);
  int done = 0;
  std::size_t most = 0;
  for (int i = 0; i < 200; ++i) served.client->request({}, {}, [&](HttpResult r) { done += answer(r).status == 200; });
  ASSERT_TRUE(run_until(served.loop, [&] {
    most = std::max(most, served.server->connections());
    return done == 200;
  }));
  EXPECT_LE(most, 3u);
}

TEST(HttpClient, what_cannot_stand_on_the_wire_is_refused) {
  Served served;
  for (const HttpRequest& request : std::vector<HttpRequest>{{"GET", "/a b", {}, {}},
                                                             {"GET", "/a\r\nX: y", {}, {}},
                                                             {"GET", "relative", {}, {}},
                                                             {"", "/", {}, {}},
                                                             {"GET", "/", {{"X", "a\nb"}}, {}}}) {
    const HttpResult result = served.ask(request);
    EXPECT_EQ(failure(result).error.code, base::Errc::InvalidArgument);
    EXPECT_FALSE(failure(result).sent);
  }
  EXPECT_TRUE(served.requests.empty());
}

TEST(HttpClient, bad_urls_are_refused) {
  Loop loop;
  for (const char* url : {"", "fapi.binance.com", "ftp://h", "ws://h", "http://", "http://h:0", "http://h:99999",
                          "http://h:12x", "http://u@h", "http://h/path", "http://[::1", "http://a b"})
    EXPECT_FALSE(HttpClient::create(loop, url, {}).ok()) << url;
  for (const char* url : {"http://h", "http://h/", "https://h:8443", "http://[::1]:80", "HTTP://h"})
    EXPECT_TRUE(HttpClient::create(loop, url, {}).ok()) << url;
}

/// A server of which the test says every byte, for answers ours would never give.
struct Scripted {
  Scripted() : listener(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener, 8), 0);
    EXPECT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
    client = HttpClient::create(loop, "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)), {}).value();
    ::fcntl(listener, F_SETFL, O_NONBLOCK);
  }
  ~Scripted() {
    if (peer >= 0) ::close(peer);
    ::close(listener);
  }
  std::optional<HttpResult> ask(const std::string& script, bool close_after) {
    std::optional<HttpResult> result;
    client->request({}, {}, [&](HttpResult r) { result = std::move(r); });
    EXPECT_TRUE(run_until(loop, [&] {
      if (peer < 0) peer = ::accept(listener, nullptr, nullptr);
      char text[4096];
      return peer >= 0 && ::recv(peer, text, sizeof text, MSG_DONTWAIT) > 0;
    }));
    EXPECT_EQ(::send(peer, script.data(), script.size(), MSG_NOSIGNAL), static_cast<ssize_t>(script.size()));
    if (close_after) {
      ::close(peer);
      peer = -1;
    }
    EXPECT_TRUE(run_until(loop, [&] { return result.has_value(); }));
    return result;
  }
  Loop loop;
  int listener, peer = -1;
  std::unique_ptr<HttpClient> client;
};

TEST(HttpClient, understands_chunked_interim_and_closing_answers) {
  Scripted server;
  const auto chunked = server.ask(
      "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "4\r\nWiki\r\n6;x=y\r\npedia \r\n0\r\nTrailer: t\r\n\r\n",
      false);
  EXPECT_EQ(answer(*chunked).body, "Wikipedia ");
  EXPECT_EQ(answer(*server.ask("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", false)).status, 302);
  EXPECT_EQ(answer(*server.ask("HTTP/1.1 200 OK\r\n\r\nuntil the end", true)).body, "until the end");
}

TEST(HttpClient, broken_answers_fail_as_sent) {
  Scripted server;
  for (const char* text : {"", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", "HTTP/1.1 200"}) {
    const auto result = server.ask(text, true);
    EXPECT_TRUE(failure(*result).sent) << text;
  }
  const auto garbage = server.ask("SSH-2.0-x\r\n", false);
  EXPECT_TRUE(failure(*garbage).sent);
}

TEST(HttpClient, answer_nobody_asked_for_is_not_taken_for_the_next) {
  Scripted server;
  answer(*server.ask("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false));
  const std::string stray = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray";
  ASSERT_EQ(::send(server.peer, stray.data(), stray.size(), 0), static_cast<ssize_t>(stray.size()));
  run_a_while(server.loop, 20);
  ::close(server.peer);
  server.peer = -1;
  EXPECT_EQ(answer(*server.ask("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine", false)).body, "mine");
}

// --- destruction inside callbacks ------------------------------------------------------------------------------------

TEST(Http, client_may_go_inside_its_callback) {
  Served served;
  served.connect();
  int called = 0;
  for (int i = 0; i < 3; ++i)
    served.client->request({}, {}, [&](HttpResult) {
      ++called;
      served.client.reset();
    });
  ASSERT_TRUE(run_until(served.loop, [&] { return called == 1; }));
  run_a_while(served.loop);
  EXPECT_EQ(called, 1);
}

TEST(Http, server_may_go_inside_its_handler) {
  for (const bool answer_first : {false, true}) {
    Loop loop;
    std::unique_ptr<HttpServer> server;
    HttpServer::Handlers handlers;
    handlers.on_request = [&](const HttpRequest&, std::string_view, Responder responder) {
      if (answer_first) responder.send({});
      server.reset();
      responder.send({});
    };
    server = HttpServer::start(loop, {}, std::move(handlers)).value();
    const auto client = HttpClient::create(loop, "http://127.0.0.1:" + std::to_string(server->port()), {}).value();
    std::optional<HttpResult> result;
    client->request({}, {}, [&](HttpResult r) { result = std::move(r); });
    ASSERT_TRUE(run_until(loop, [&] { return result.has_value(); }));
    EXPECT_TRUE(std::holds_alternative<HttpFailure>(*result));
  }
}

TEST(Http, loop_may_go_with_requests_under_way) {
  std::optional<Responder> kept;
  bool called = false;
  {
    Loop loop;
    HttpServer::Handlers handlers;
    handlers.on_request = [&](const HttpRequest&, std::string_view, Responder responder) { kept = responder; };
    const auto server = HttpServer::start(loop, {}, std::move(handlers)).value();
    const auto client = HttpClient::create(loop, "http://127.0.0.1:" + std::to_string(server->port()), {}).value();
    client->request({}, {}, [&](HttpResult) { called = true; });
    ASSERT_TRUE(run_until(loop, [&] { return kept.has_value(); }));
  }
  kept.reset();
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace qtrader::net
