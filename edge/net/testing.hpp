// What the tests of this room share: running a loop until something is so, a raw TCP client.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "edge/net/loop.hpp"

namespace qtrader::net::test {

/// Runs the loop until the condition holds. The limit is only there to end a test that fails.
inline bool run_until(Loop& loop, const std::function<bool()>& holds) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    loop.run_for(base::milliseconds(20));
  }
  return true;
}

/// Runs the loop for a while, to see that something does not happen.
inline void run_a_while(Loop& loop, int milliseconds = 50) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  while (std::chrono::steady_clock::now() < end) loop.run_for(base::milliseconds(5));
}

/// A client of which the test says every byte.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port, int receive_buffer = 0) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer != 0) ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ::fcntl(socket_, F_SETFL, O_NONBLOCK);
  }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient() { close(); }

  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }
  void end_sending() { ::shutdown(socket_, SHUT_WR); }
  void send(std::string_view text) {
    ASSERT_EQ(::send(socket_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  /// As much as the kernel takes.
  std::size_t try_send(std::string_view text) {
    const ssize_t sent = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
    return sent < 0 ? 0 : static_cast<std::size_t>(sent);
  }
  /// Everything received so far; ended() tells whether the peer has closed or cut.
  const std::string& received() {
    char chunk[65'536];
    for (;;) {
      const ssize_t n = ::recv(socket_, chunk, sizeof chunk, 0);
      if (n > 0) {
        text_.append(chunk, static_cast<std::size_t>(n));
        continue;
      }
      ended_ = ended_ || n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
      return text_;
    }
  }
  bool ended() {
    received();
    return ended_;
  }

 private:
  int socket_;
  std::string text_;
  bool ended_ = false;
};

}  // namespace qtrader::net::test
