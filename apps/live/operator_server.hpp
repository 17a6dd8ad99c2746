// OperatorServer: the operator's side of a running trader on loopback: status, calibration, kill, resume, close.
// `qtrader kill`, `resume` and `calibration` talk to it.
//
// STATE/operator.json (mode 0600) says port and token; whoever cannot read it cannot give orders. It passes commands on
// as events; it never touches the core.
#pragma once

#include <filesystem>
#include <memory>

#include "apps/live/calibration_status.hpp"
#include "apps/live/world.hpp"
#include "edge/net/server.hpp"

namespace qtrader::apps {

class OperatorServer {
 public:
  struct Handlers {
    std::function<WorldStatus()> status;
    /// Errors: NotFound if the strategy has no calibration.
    std::function<base::Result<CalibrationStatus>()> calibration;
    /// Errors: InvalidArgument (an unknown symbol); NotFound, Conflict (no calibration to go back to).
    std::function<base::Result<void>(domain::OperatorAction action, const std::string& symbol,
                                     const std::string& reason)>
        command;
  };
  static base::Result<std::unique_ptr<OperatorServer>> start(net::Loop& loop, std::uint16_t port,
                                                             const std::filesystem::path& state, Handlers handlers);
  ~OperatorServer();
  std::uint16_t port() const { return server_->port(); }

 private:
  OperatorServer(Handlers handlers, std::filesystem::path file, std::string token);
  net::HttpResponse answer(const net::HttpRequest& request) const;

  Handlers handlers_;
  std::filesystem::path file_;
  std::string token_;
  std::unique_ptr<net::HttpServer> server_;
};

/// Sends a request to the trader that owns STATE. Errors: NotFound if none runs there; Conflict if it refuses, with its
/// reason.
base::Result<std::string> send_to_operator(const std::filesystem::path& state, const net::HttpRequest& request);

/// The same for one of the operator's actions.
base::Result<void> send_to_operator(const std::filesystem::path& state, domain::OperatorAction action,
                                    std::string_view reason);

/// 128 random bits in hexadecimal, from the system.
std::string random_token();

}  // namespace qtrader::apps
