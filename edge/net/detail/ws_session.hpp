// WsSession: the life of one open WebSocket after its handshake, for either end. A WebSocket is a handle to it.
//
// Nothing is read before handlers are set, so early messages wait in the kernel. Handlers are called from the loop
// only, never from inside a call of the handle, and any of them may destroy the handle. Several messages sent within
// one turn leave in one write.
#pragma once

#include "edge/net/detail/stream.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "edge/net/detail/ws_frame.hpp"
#include "edge/net/loop.hpp"
#include "edge/net/websocket.hpp"

namespace qtrader::net {

struct WsSetup {
  std::unique_ptr<Stream> stream;
  bool client = false;
  std::size_t max_message_bytes = 0;
  std::size_t max_queued_bytes = 0;
  std::string early_in;        // bytes read behind the handshake
  std::string early_out;       // bytes to write before anything else
  std::shared_ptr<void> slot;  // let go when the connection is closed: the server's count of connections
};
/// The handle of a new session.
std::shared_ptr<WebSocket> make_websocket(Loop& loop, WsSetup setup);

class WsSession final : public StreamEvents, public std::enable_shared_from_this<WsSession> {
 public:
  WsSession(Loop& loop, WsSetup setup);

  void start();
  void set_handlers(WebSocketHandlers handlers);
  void send(std::shared_ptr<const std::string> text);
  void ping(std::string_view payload);
  void close(std::string_view reason);
  void abort();
  void release();  // the handle is gone
  std::size_t queued_bytes() const { return queued_bytes_ + out_.size() - out_sent_; }

 private:
  struct Item {
    Opcode opcode;
    std::shared_ptr<const std::string> payload;
  };
  enum class Step { Continue, Stop };

  void on_handshake(error_code) override {}
  void on_read(error_code ec, std::size_t bytes) override;
  void on_written(error_code ec) override;
  void on_finished() override;

  void begin_reading();
  void read_more();
  void make_room();
  void handle_input();
  Step handle_frame();
  Step handle_data(const FrameHeader& frame, char* payload);
  Step handle_control(Opcode opcode, std::string_view payload);
  void handle_close(std::string_view payload);
  void deliver_in_place(char* payload, std::size_t size);
  void deliver(std::string_view text);

  void queue(Opcode opcode, std::shared_ptr<const std::string> payload);
  void queue_close(unsigned code, std::string_view reason);
  void schedule_flush();
  void flush();
  void fill_out();
  void refuse(unsigned code, std::string why);
  void finish_if_done();
  void guard_closing();
  void end(std::string reason, bool cut);
  void tell_end();

  Loop& loop_;
  std::unique_ptr<Stream> stream_;
  const bool client_;
  const std::size_t max_message_bytes_, max_queued_bytes_;
  std::shared_ptr<void> slot_;
  std::shared_ptr<WebSocketHandlers> handlers_;

  std::string in_;  // always kPadding longer than what is read into it
  std::size_t in_begin_ = 0, in_end_ = 0, in_wanted_ = 0;
  std::string message_;  // of frames so far
  bool in_message_ = false;

  std::deque<Item> queue_;
  std::size_t queued_bytes_ = 0;
  std::string out_;
  std::size_t out_sent_ = 0;

  bool reading_begun_ = false, writing_ = false, corked_ = false, flush_posted_ = false;
  bool close_queued_ = false, close_received_ = false, finishing_ = false, closed_ = false, told_ = false;
  std::string end_reason_;
  Timer closing_timer_;
};

}  // namespace qtrader::net
