#include "edge/net/websocket.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "edge/net/certificate.hpp"
#include "edge/net/client.hpp"
#include "edge/net/detail/ws_frame.hpp"
#include "edge/net/server.hpp"
#include "edge/net/testing.hpp"
#include "tests/temp_dir.hpp"

namespace qtrader::net {
namespace {

using test::RawClient;
using test::run_a_while;
using test::run_until;

TEST(WebSocketFrame, handshake_key_is_the_one_of_the_rfc) {
  EXPECT_EQ(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(make_key().size(), 24u);
  EXPECT_NE(make_key(), make_key());
}

TEST(WebSocketFrame, headers_of_every_length_round_trip) {
  for (const std::size_t size : {0, 1, 125, 126, 65'535, 65'536, 100'000})
    for (const bool masked : {false, true}) {
      std::string payload(size, 'x');
      for (std::size_t i = 0; i < size; ++i) payload[i] = static_cast<char>('a' + i % 26);
      const MaskKey mask{1, 2, 3, 250};
      std::string bytes;
      append_frame(bytes, Opcode::Text, payload, masked ? &mask : nullptr);
      const FrameHeader header = parse_frame_header(bytes);
      ASSERT_EQ(header.size + size, bytes.size());
      EXPECT_TRUE(header.fin);
      EXPECT_EQ(header.masked, masked);
      EXPECT_EQ(header.length, size);
      for (std::size_t cut = 0; cut < header.size; ++cut) EXPECT_EQ(parse_frame_header(bytes.substr(0, cut)).size, 0u);
      std::string back = bytes.substr(header.size);
      EXPECT_EQ(back == payload, !masked || size == 0);
      if (masked) apply_mask(back.data(), back.size(), header.mask);
      EXPECT_EQ(back, payload);
    }
}

TEST(WebSocketFrame, frames_are_the_bytes_of_the_rfc) {
  std::string bytes;
  append_frame(bytes, Opcode::Text, "Hello", nullptr);
  EXPECT_EQ(bytes, "\x81\x05Hello");
  const MaskKey mask{0x37, 0xfa, 0x21, 0x3d};
  bytes.clear();
  append_frame(bytes, Opcode::Text, "Hello", &mask);
  EXPECT_EQ(bytes, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
}

TEST(WebSocketFrame, utf8_is_told_from_other_bytes) {
  for (const char* good : {"", "plain ascii of some length", "\xc2\x80", "gr\xc3\xbc\xc3\x9f", "\xe2\x82\xac 12345678",
                           "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf"})
    EXPECT_TRUE(is_utf8(good)) << good;
  for (const char* bad : {"\x80", "12345678\xff", "\xc0\x80", "\xc3", "\xe0\x9f\xbf", "\xed\xa0\x80",
                          "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82"})
    EXPECT_FALSE(is_utf8(bad));
}

/// A server and a client in one loop, with what each has been told.
struct Pair {
  explicit Pair(ServerConfig config = {}, ClientConfig client = {}) : client_config(std::move(client)) {
    secure = config.tls.has_value();
    HttpServer::Handlers handlers;
    handlers.on_request = [](const HttpRequest&, std::string_view, Responder responder) {
      responder.send({404, {}, {}});
    };
    handlers.on_upgrade = [this](const HttpRequest& request) {
      upgrades.push_back(request);
      return refusal;
    };
    handlers.on_open = [this](const HttpRequest&, std::string_view from, std::shared_ptr<WebSocket> socket) {
      peer = from;
      there = std::move(socket);
      if (listen_at_once) there->set_handlers(record(at_server));
    };
    server = HttpServer::start(loop, std::move(config), std::move(handlers)).value();
  }
  ~Pair() {
    here.reset();
    there.reset();
    server.reset();
    run_a_while(loop, 5);
  }

  struct Seen {
    std::vector<std::string> texts, pings, pongs, ends;
  };
  static WebSocketHandlers record(Seen& seen) {
    return {[&seen](std::string_view text) { seen.texts.emplace_back(text); },
            [&seen](std::string_view payload) { seen.pings.emplace_back(payload); },
            [&seen](std::string_view payload) { seen.pongs.emplace_back(payload); },
            [&seen](std::string_view reason) { seen.ends.emplace_back(reason); }};
  }
  std::string url(const std::string& host = "127.0.0.1") const {
    return (secure ? "wss://" : "ws://") + host + ":" + std::to_string(server->port()) + "/ws/stream?x=1";
  }
  /// Why it failed, if it did.
  std::string open(const std::string& host = "127.0.0.1") {
    std::optional<std::string> outcome;
    attempt = connect_websocket(loop, url(host), client_config, [&](base::Result<std::shared_ptr<WebSocket>> result) {
      outcome = result ? "" : result.error().message();
      if (result) here = std::move(result).value();
    });
    EXPECT_TRUE(run_until(loop, [&] { return outcome && (!here || there); }));
    return outcome.value_or("nothing");
  }
  void open_and_listen() {
    ASSERT_EQ(open(), "");
    here->set_handlers(record(at_client));
  }

  Loop loop;
  ClientConfig client_config;
  bool secure = false, listen_at_once = true;
  std::optional<HttpResponse> refusal;
  std::vector<HttpRequest> upgrades;
  std::string peer;
  Seen at_server, at_client;
  std::unique_ptr<HttpServer> server;
  std::unique_ptr<WebSocketAttempt> attempt;
  std::shared_ptr<WebSocket> here, there;
};

TEST(WebSocket, texts_arrive_in_order_both_ways) {
  Pair pair;
  pair.open_and_listen();
  std::vector<std::string> expected;
  for (int i = 0; i < 10'000; ++i) {
    expected.push_back("{\"n\":" + std::to_string(i) + ",\"pad\":\"" +
                       std::string(static_cast<std::size_t>(i % 300), 'p') + "\"}");
    pair.here->send(expected.back());
    pair.there->send(expected.back());
  }
  ASSERT_TRUE(run_until(pair.loop, [&] {
    return pair.at_server.texts.size() == expected.size() && pair.at_client.texts.size() == expected.size();
  }));
  EXPECT_EQ(pair.at_server.texts, expected);
  EXPECT_EQ(pair.at_client.texts, expected);
  EXPECT_EQ(pair.here->queued_bytes(), 0u);
  EXPECT_EQ(pair.upgrades.at(0).target, "/ws/stream?x=1");
  EXPECT_EQ(pair.peer, "127.0.0.1");
  EXPECT_EQ(pair.server->connections(), 1u);
}

TEST(WebSocket, texts_of_every_size_arrive_whole) {
  Pair pair;
  pair.open_and_listen();
  std::vector<std::string> expected;
  for (const std::size_t size : {0, 1, 125, 126, 127, 16'000, 16'384, 65'535, 65'536, 300'000, 1'048'576}) {
    expected.emplace_back(size, static_cast<char>('a' + expected.size()));
    pair.here->send(expected.back());
    pair.there->send(expected.back());
  }
  ASSERT_TRUE(run_until(pair.loop, [&] {
    return pair.at_server.texts.size() == expected.size() && pair.at_client.texts.size() == expected.size();
  }));
  EXPECT_TRUE(pair.at_server.texts == expected);
  EXPECT_TRUE(pair.at_client.texts == expected);
}

TEST(WebSocket, sixty_four_zero_bytes_are_readable_behind_each_text) {
  Pair pair;
  ASSERT_EQ(pair.open(), "");
  std::size_t seen = 0, wrong = 0;
  pair.here->set_handlers({[&](std::string_view text) {
                             ++seen;
                             const char* behind = text.data() + text.size();
                             wrong += !std::all_of(behind, behind + 64, [](char c) { return c == 0; });
                             wrong += text != "text " + std::to_string(seen);
                           },
                           {},
                           {},
                           {}});
  for (int i = 1; i <= 5'000; ++i) pair.there->send("text " + std::to_string(i));
  ASSERT_TRUE(run_until(pair.loop, [&] { return seen == 5'000; }));
  EXPECT_EQ(wrong, 0u);
}

TEST(WebSocket, texts_wait_for_handlers) {
  Pair pair;
  pair.listen_at_once = false;
  ASSERT_EQ(pair.open(), "");
  pair.there->send(std::string("early"));
  pair.here->send(std::string("early too"));
  run_a_while(pair.loop, 20);
  pair.here->set_handlers(Pair::record(pair.at_client));
  pair.there->set_handlers(Pair::record(pair.at_server));
  ASSERT_TRUE(run_until(pair.loop, [&] { return !pair.at_client.texts.empty() && !pair.at_server.texts.empty(); }));
  EXPECT_EQ(pair.at_client.texts[0], "early");
  EXPECT_EQ(pair.at_server.texts[0], "early too");
}

TEST(WebSocket, pings_are_answered_and_told) {
  Pair pair;
  pair.open_and_listen();
  pair.there->ping("1700000000000");
  pair.here->ping("from the client");
  ASSERT_TRUE(run_until(pair.loop, [&] { return !pair.at_server.pongs.empty() && !pair.at_client.pongs.empty(); }));
  EXPECT_EQ(pair.at_client.pings, std::vector<std::string>{"1700000000000"});
  EXPECT_EQ(pair.at_server.pongs, std::vector<std::string>{"1700000000000"});
  EXPECT_EQ(pair.at_server.pings, std::vector<std::string>{"from the client"});
  EXPECT_EQ(pair.at_client.pongs, std::vector<std::string>{"from the client"});
}

TEST(WebSocket, close_sends_what_is_queued_and_both_ends_learn_of_it_once) {
  Pair pair;
  pair.open_and_listen();
  for (int i = 0; i < 100; ++i) pair.there->send(std::string(10'000, 'q'));
  pair.there->close("maintenance");
  pair.there->send(std::string("too late"));
  ASSERT_TRUE(run_until(pair.loop, [&] { return !pair.at_client.ends.empty() && !pair.at_server.ends.empty(); }));
  run_a_while(pair.loop, 20);
  EXPECT_EQ(pair.at_client.texts.size(), 100u);
  EXPECT_EQ(pair.at_client.ends, std::vector<std::string>{"closed by the peer: 1000 maintenance"});
  EXPECT_EQ(pair.at_server.ends, std::vector<std::string>{"closed here"});
  EXPECT_EQ(pair.server->connections(), 0u);
}

TEST(WebSocket, abort_and_destruction_end_it_for_the_peer) {
  for (const bool abort : {true, false}) {
    Pair pair;
    pair.open_and_listen();
    if (abort)
      pair.here->abort();
    else
      pair.here.reset();
    EXPECT_TRUE(pair.at_client.ends.empty()) << "called back from inside a call";
    ASSERT_TRUE(run_until(pair.loop, [&] { return !pair.at_server.ends.empty() && pair.server->connections() == 0; }));
    run_a_while(pair.loop, 10);
    EXPECT_EQ(pair.at_client.ends.size(), abort ? 1u : 0u);
    EXPECT_EQ(pair.at_server.ends.size(), 1u);
  }
}

TEST(WebSocket, peer_that_does_not_read_is_cut) {
  ServerConfig config;
  config.max_queued_bytes = 1u << 20;
  Pair pair(config);
  ASSERT_EQ(pair.open(), "");  // no handlers: the client does not read
  const auto text = std::make_shared<const std::string>(100'000, 't');
  std::size_t most = 0;
  ASSERT_TRUE(run_until(pair.loop, [&] {
    pair.there->send(text);
    most = std::max(most, pair.there->queued_bytes());
    return !pair.at_server.ends.empty();
  }));
  EXPECT_LE(most, config.max_queued_bytes + 14);
  EXPECT_NE(pair.at_server.ends[0].find("reads too slowly"), std::string::npos);
  EXPECT_EQ(pair.server->connections(), 0u);
}

TEST(WebSocket, many_texts_within_one_turn_do_not_cut_a_peer_that_reads) {
  ServerConfig config;
  config.max_queued_bytes = 1u << 20;
  Pair pair(config);
  pair.open_and_listen();
  std::size_t sent = 0;
  ASSERT_TRUE(run_until(pair.loop, [&] {
    for (int i = 0; i < 5 && sent < 500; ++i, ++sent) pair.there->send(std::string(100'000, 'm'));
    return pair.at_client.texts.size() == 500 || !pair.at_server.ends.empty();
  }));
  EXPECT_EQ(pair.at_client.texts.size(), 500u);
}

TEST(WebSocket, text_beyond_the_limit_closes) {
  ServerConfig config;
  config.max_body_bytes = 1'000;
  Pair pair(config);
  pair.open_and_listen();
  pair.here->send(std::string(1'000, 'x'));
  pair.here->send(std::string(1'001, 'x'));
  ASSERT_TRUE(run_until(pair.loop, [&] { return !pair.at_client.ends.empty() && !pair.at_server.ends.empty(); }));
  EXPECT_EQ(pair.at_server.texts.size(), 1u);
  EXPECT_NE(pair.at_client.ends[0].find("1009"), std::string::npos) << pair.at_client.ends[0];
}

TEST(WebSocket, refused_upgrade_gives_the_response) {
  Pair pair;
  pair.refusal = HttpResponse{403, {}, "unknown listen key"};
  const std::string why = pair.open();
  EXPECT_NE(why.find("403"), std::string::npos) << why;
  EXPECT_NE(why.find("unknown listen key"), std::string::npos) << why;
  RawClient raw(pair.server->port());
  raw.send("GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
  ASSERT_TRUE(run_until(pair.loop, [&] { return raw.received().find("\r\n\r\n") != std::string::npos; }));
  EXPECT_EQ(raw.received().substr(0, 12), "HTTP/1.1 426");
}

TEST(WebSocket, connecting_fails_with_a_reason) {
  Pair pair;
  const std::string nobody = pair.url();
  pair.server.reset();
  for (const auto& url : {nobody, std::string("http://127.0.0.1/"), std::string("nonsense")}) {
    std::optional<std::string> why;
    const auto attempt =
        connect_websocket(pair.loop, url, {}, [&](auto result) { why = result ? "" : result.error().message(); });
    EXPECT_FALSE(why.has_value());
    ASSERT_TRUE(run_until(pair.loop, [&] { return why.has_value(); }));
    EXPECT_NE(*why, "");
  }
}

TEST(WebSocket, server_that_stays_silent_is_given_up) {
  Loop loop;
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener, 8), 0);
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  for (const char* scheme : {"ws", "wss"}) {
    ClientConfig config;
    config.connect_timeout = base::milliseconds(50);
    std::optional<std::string> why;
    const std::string url = std::string(scheme) + "://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    const auto attempt =
        connect_websocket(loop, url, config, [&](auto result) { why = result ? "" : result.error().message(); });
    ASSERT_TRUE(run_until(loop, [&] { return why.has_value(); }));
    EXPECT_NE(*why, "");
  }
  ::close(listener);
}

TEST(WebSocket, attempt_that_is_dropped_never_calls_back) {
  Pair pair;
  bool called = false;
  for (int turns = 0; turns < 6; ++turns) {
    auto attempt = connect_websocket(pair.loop, pair.url(), {}, [&](auto) { called = true; });
    for (int i = 0; i < turns && !called; ++i) pair.loop.run_for(base::Duration{});
    const bool before = called;
    attempt.reset();
    called = false;
    run_a_while(pair.loop, 10);
    EXPECT_FALSE(called);
    if (before) break;
  }
}

TEST(WebSocket, attempt_may_go_inside_its_callback) {
  Pair pair;
  bool called = false;
  pair.attempt = connect_websocket(pair.loop, pair.url(), {}, [&](auto result) {
    called = result.ok();
    pair.attempt.reset();
  });
  ASSERT_TRUE(run_until(pair.loop, [&] { return called; }));
}

TEST(WebSocket, may_be_destroyed_or_given_other_handlers_inside_each_callback) {
  for (const int which : {0, 1, 2, 3, 4}) {
    Pair pair;
    ASSERT_EQ(pair.open(), "");
    int called = 0;
    const auto destroy = [&](std::string_view) {
      ++called;
      pair.here.reset();
    };
    const auto replace = [&](std::string_view text) {
      ++called;
      pair.here->set_handlers(Pair::record(pair.at_client));
      EXPECT_EQ(text, "one");
    };
    WebSocketHandlers handlers;
    if (which == 0) handlers.on_text = destroy;
    if (which == 1) handlers.on_ping = destroy;
    if (which == 2) handlers.on_pong = destroy;
    if (which == 3) handlers.on_close = destroy;
    if (which == 4) handlers.on_text = replace;
    pair.here->set_handlers(handlers);
    if (which == 2) pair.here->ping("p");
    pair.there->send(std::string("one"));
    pair.there->send(std::string("two"));
    pair.there->ping("p");
    pair.there->ping("p");
    if (which == 3) pair.there->close("");
    ASSERT_TRUE(run_until(pair.loop, [&] { return called != 0 && (which == 4 || !pair.at_server.ends.empty()); }));
    run_a_while(pair.loop, 10);
    EXPECT_EQ(called, 1) << which;
    EXPECT_EQ(pair.at_client.texts, which == 4 ? std::vector<std::string>{"two"} : std::vector<std::string>{});
  }
}

TEST(WebSocket, server_may_go_while_sockets_stay) {
  Pair pair;
  pair.open_and_listen();
  pair.server.reset();
  pair.there->send(std::string("still here"));
  ASSERT_TRUE(run_until(pair.loop, [&] { return !pair.at_client.texts.empty(); }));
}

TEST(WebSocket, loop_may_go_with_messages_under_way) {
  auto pair = std::make_unique<Pair>();
  pair->open_and_listen();
  for (int i = 0; i < 100; ++i) pair->here->send(std::string(10'000, 'x'));
  pair->here->close("");
  pair->loop.run_for(base::Duration{});
}

/// A handshake by hand, so that every frame is the test's.
struct RawSocket {
  explicit RawSocket(Pair& with) : pair(with), raw(with.server->port()) {
    raw.send(
        "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: WebSocket\r\nConnection: keep-alive, upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
    EXPECT_TRUE(run_until(pair.loop, [&] { return raw.received().find("\r\n\r\n") != std::string::npos; }));
    handshake = raw.received().size();
    EXPECT_NE(raw.received().find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), std::string::npos);
  }
  std::string received() { return raw.received().substr(handshake); }
  static std::string frame(unsigned char first, std::string payload) {
    const MaskKey mask{9, 8, 7, 6};
    std::string bytes;
    append_frame(bytes, Opcode::Text, payload, &mask);
    bytes[0] = static_cast<char>(first);
    return bytes;
  }
  Pair& pair;
  RawClient raw;
  std::size_t handshake = 0;
};

TEST(WebSocket, fragments_with_a_ping_between_make_one_text) {
  Pair pair;
  RawSocket socket(pair);
  const std::string bytes = RawSocket::frame(0x01, "gr\xc3") + RawSocket::frame(0x89, "ping") +
                            RawSocket::frame(0x00, "\xbc") + RawSocket::frame(0x80, "n") +
                            RawSocket::frame(0x81, "next");
  for (const char byte : bytes) {
    socket.raw.send({&byte, 1});
    pair.loop.run_for(base::Duration{});
  }
  ASSERT_TRUE(run_until(pair.loop, [&] { return pair.at_server.texts.size() == 2; }));
  EXPECT_EQ(pair.at_server.texts, (std::vector<std::string>{"gr\xc3\xbcn", "next"}));
  ASSERT_TRUE(run_until(pair.loop, [&] { return !socket.received().empty(); }));
  EXPECT_EQ(socket.received(), "\x8a\x04ping");
}

TEST(WebSocket, what_breaks_the_protocol_closes_with_its_code) {
  std::string unmasked;
  append_frame(unmasked, Opcode::Text, "x", nullptr);
  for (const auto& [bytes, code] :
       std::vector<std::pair<std::string, unsigned>>{{unmasked, 1002},
                                                     {RawSocket::frame(0xC1, "reserved bit"), 1002},
                                                     {RawSocket::frame(0x82, "binary"), 1003},
                                                     {RawSocket::frame(0x80, "continues nothing"), 1002},
                                                     {RawSocket::frame(0x01, "a") + RawSocket::frame(0x81, "b"), 1002},
                                                     {RawSocket::frame(0x81, "\xff"), 1007},
                                                     {RawSocket::frame(0x09, "fragmented ping"), 1002},
                                                     {RawSocket::frame(0x89, std::string(126, 'p')), 1002},
                                                     {RawSocket::frame(0x83, "unknown kind"), 1002},
                                                     {RawSocket::frame(0x8B, "unknown control"), 1002}}) {
    Pair pair;
    RawSocket socket(pair);
    socket.raw.send(bytes);
    ASSERT_TRUE(run_until(pair.loop, [&] { return socket.raw.ended(); })) << code;
    const std::string got = socket.received();
    ASSERT_GE(got.size(), 4u);
    EXPECT_EQ(got[0], '\x88');
    EXPECT_EQ(static_cast<unsigned>(static_cast<unsigned char>(got[2])) * 256 + static_cast<unsigned char>(got[3]),
              code);
    socket.raw.close();
    ASSERT_TRUE(run_until(pair.loop, [&] { return !pair.at_server.ends.empty(); }));
    EXPECT_TRUE(pair.at_server.texts.empty());
  }
}

TEST(WebSocket, frames_sent_with_the_handshake_are_not_lost) {
  Pair pair;
  RawClient raw(pair.server->port());
  raw.send(
      "GET /x HTTP/1.1\r\nHost: h\r\n\r\n"
      "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n" +
      RawSocket::frame(0x81, "hasty"));
  ASSERT_TRUE(run_until(pair.loop, [&] { return !pair.at_server.texts.empty(); }));
  EXPECT_EQ(pair.at_server.texts[0], "hasty");
  EXPECT_EQ(raw.received().substr(0, 12), "HTTP/1.1 404");
}

// --- TLS -------------------------------------------------------------------------------------------------------------

struct Trust {
  explicit Trust(std::vector<std::string> hosts = {"127.0.0.1"}) {
    EXPECT_TRUE(write_self_signed(dir / "cert.pem", dir / "key.pem", std::move(hosts)).ok());
    server.tls = ServerTls{dir / "cert.pem", dir / "key.pem"};
    client.ca_file = dir / "cert.pem";
  }
  qtrader::test::TempDir dir;
  ServerConfig server;
  ClientConfig client;
};

HttpResult ask(Pair& pair, const std::string& host = "127.0.0.1") {
  const std::string url = "https://" + host + ":" + std::to_string(pair.server->port());
  const auto client = HttpClient::create(pair.loop, url, pair.client_config).value();
  std::optional<HttpResult> result;
  client->request({"GET", "/secret?signature=s", {}, {}}, {}, [&](HttpResult r) { result = std::move(r); });
  EXPECT_TRUE(run_until(pair.loop, [&] { return result.has_value(); }));
  return *result;
}

TEST(Tls, http_and_websocket_work_for_a_trusted_address) {
  const Trust trust;
  Pair pair(trust.server, trust.client);
  const HttpResult result = ask(pair);
  ASSERT_TRUE(std::holds_alternative<HttpResponse>(result)) << std::get<HttpFailure>(result).error.message();
  EXPECT_EQ(std::get<HttpResponse>(result).status, 404);
  pair.open_and_listen();
  std::vector<std::string> expected;
  for (int i = 0; i < 2'000; ++i) {
    expected.push_back(std::to_string(i) + std::string(static_cast<std::size_t>(i), 's'));
    pair.here->send(expected.back());
    pair.there->send(expected.back());
  }
  ASSERT_TRUE(run_until(pair.loop, [&] {
    return pair.at_server.texts.size() == expected.size() && pair.at_client.texts.size() == expected.size();
  }));
  EXPECT_TRUE(pair.at_server.texts == expected);
  EXPECT_TRUE(pair.at_client.texts == expected);
  pair.here->close("done");
  ASSERT_TRUE(run_until(pair.loop, [&] { return !pair.at_server.ends.empty() && !pair.at_client.ends.empty(); }));
  EXPECT_EQ(pair.at_server.ends[0], "closed by the peer: 1000 done");
}

TEST(Tls, names_are_verified_too) {
  const Trust trust({"localhost", "::1"});
  ServerConfig config = trust.server;
  Pair pair(config, trust.client);
  EXPECT_TRUE(std::holds_alternative<HttpResponse>(ask(pair, "localhost")));
  EXPECT_EQ(pair.open("localhost"), "");
  // The certificate is trusted but not for this address.
  const HttpResult wrong = ask(pair, "127.0.0.1");
  ASSERT_TRUE(std::holds_alternative<HttpFailure>(wrong));
  EXPECT_FALSE(std::get<HttpFailure>(wrong).sent);
  EXPECT_NE(std::get<HttpFailure>(wrong).error.context.find("mismatch"), std::string::npos)
      << std::get<HttpFailure>(wrong).error.context;
}

TEST(Tls, unknown_authority_is_refused) {
  const Trust trust, other;
  Pair pair(trust.server, other.client);
  for (const std::string& ca : {std::string(other.dir / "cert.pem"), std::string()}) {
    pair.client_config.ca_file = ca;
    const HttpResult result = ask(pair);
    ASSERT_TRUE(std::holds_alternative<HttpFailure>(result));
    EXPECT_FALSE(std::get<HttpFailure>(result).sent);
    EXPECT_NE(std::get<HttpFailure>(result).error.context.find("certificate was refused"), std::string::npos);
    EXPECT_EQ(std::get<HttpFailure>(result).error.context.find("signature"), std::string::npos)
        << "a query is a secret";
    EXPECT_NE(pair.open(), "");
  }
}

TEST(Tls, plain_speech_to_a_tls_port_fails) {
  const Trust trust;
  Pair pair(trust.server, trust.client);
  RawClient raw(pair.server->port());
  raw.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(run_until(pair.loop, [&] { return raw.ended(); }));
  EXPECT_EQ(raw.received().find("HTTP/1.1"), std::string::npos);
}

TEST(Tls, bad_files_are_named) {
  const Trust trust;
  Loop loop;
  for (const ServerTls& tls : {ServerTls{trust.dir / "none.pem", trust.dir / "key.pem"},
                               ServerTls{trust.dir / "cert.pem", trust.dir / "none.pem"}}) {
    ServerConfig config;
    config.tls = tls;
    const auto started = HttpServer::start(loop, config, {});
    ASSERT_FALSE(started.ok());
    EXPECT_EQ(started.error().code, base::Errc::InvalidArgument);
    EXPECT_NE(started.error().context.find("none.pem"), std::string::npos);
  }
  ClientConfig config;
  config.ca_file = trust.dir / "none.pem";
  const auto client = HttpClient::create(loop, "https://127.0.0.1", config);
  ASSERT_FALSE(client.ok());
  EXPECT_NE(client.error().context.find("none.pem"), std::string::npos);
}

TEST(Tls, key_is_the_owners_alone_and_bad_hosts_are_refused) {
  const Trust trust;
  using std::filesystem::perms;
  EXPECT_EQ(std::filesystem::status(trust.dir / "key.pem").permissions(), perms::owner_read | perms::owner_write);
  EXPECT_FALSE(write_self_signed(trust.dir / "a", trust.dir / "b", {}).ok());
  EXPECT_FALSE(write_self_signed(trust.dir / "a", trust.dir / "b", {"x,IP:1.2.3.4"}).ok());
  EXPECT_FALSE(std::filesystem::exists(trust.dir / "b"));
  const auto nowhere = write_self_signed(trust.dir / "no/a", trust.dir / "no/b", {"h"});
  ASSERT_FALSE(nowhere.ok());
  EXPECT_EQ(nowhere.error().code, base::Errc::Io);
}

}  // namespace
}  // namespace qtrader::net
