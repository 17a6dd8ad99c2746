// The Gateway's wiring: which part hears of what. Separate from gateway.hpp so that tests can build one on a host with
// virtual time and a scripted RestClient.
#pragma once

#include <memory>

#include "edge/binance/account_reader.hpp"
#include "edge/binance/dead_man.hpp"
#include "edge/binance/leverage_setter.hpp"
#include "edge/binance/link_monitor.hpp"
#include "edge/binance/market_feed.hpp"
#include "edge/binance/order_channel.hpp"
#include "edge/binance/stop_probe.hpp"
#include "edge/binance/user_events.hpp"
#include "edge/binance/user_stream.hpp"

namespace qtrader::binance {

class GatewayImpl final : public Gateway {
 public:
  GatewayImpl(std::unique_ptr<Host> host, std::unique_ptr<RestClient> rest, domain::InstrumentTable instruments,
              GatewayConfig config, Sink sink);
  ~GatewayImpl() override;

  base::Result<void> submit(const risk::Approved<domain::Order>& order) override;
  base::Result<void> cancel(domain::ClientOrderId order, domain::SymbolId symbol) override;
  base::Result<void> set_leverage(domain::SymbolId symbol, domain::Leverage leverage, domain::MarginMode mode) override;
  base::Result<void> query(domain::ClientOrderId order, domain::SymbolId symbol) override;
  base::Result<void> request_snapshot() override;
  base::Result<void> cancel_foreign(const execution::CancelForeign& order) override;

  void start(base::Timestamp backfill_from, std::function<void(base::Result<AccountState>)> done) override;
  void probe_stop(std::function<void(base::Result<void>)> done) override;
  void barrier(std::function<void()> done) override;
  std::size_t outstanding() const override;
  void stop() override;
  RestClient& rest() override { return *rest_; }

  /// For tests of this room: an order without the gate.
  base::Result<void> submit_order(const domain::Order& order);
  const LinkMonitor& link() const { return link_; }
  const MarketFeed& market() const { return *market_; }

 private:
  using Part = LinkMonitor::Part;
  base::Result<void> ready_for(domain::SymbolId symbol) const;
  void check_account(const AccountState& state);
  void load_history(base::Timestamp from);
  void open_streams();
  void on_market_up();
  void on_user_up();
  void on_user_down(std::string_view reason);
  void catch_up();
  void poll();
  void maybe_started();
  void finish_start(base::Result<AccountState> result);
  void watch_health();
  void judge_clock();

  // Destroyed in reverse: whoever has callbacks at REST or alarms at the host goes before them.
  const std::unique_ptr<Host> host_;
  const std::unique_ptr<RestClient> rest_;
  const domain::InstrumentTable instruments_;
  const GatewayConfig config_;
  Surroundings around_;
  LinkMonitor link_;
  OrderTracker tracker_;
  OrderInquiry inquiry_;
  FillRecovery fills_;
  OrderChannel channel_;
  AccountReader account_;
  DeadMan dead_man_;
  LeverageSetter leverage_;
  StopProbe probe_;
  std::unique_ptr<MarketFeed> market_;
  std::unique_ptr<UserEvents> events_;
  std::unique_ptr<UserStream> user_;

  bool started_ = false, stopped_ = false, snapshot_seen_ = false, syncing_ = false;
  AccountState state_;
  std::function<void(base::Result<AccountState>)> start_done_;
  base::Timestamp away_since_;  // events of the user stream may be missing from then on; 0: none are
  bool catching_up_ = false, catch_up_again_ = false;
  int polls_ = 0, health_ticks_ = 0;
  base::Duration settled_offset_;
  Alarm start_limit_, poll_, health_, catch_up_retry_;
  Backoff catch_up_backoff_ = retry_backoff();
  Lifeline life_;
};

}  // namespace qtrader::binance
