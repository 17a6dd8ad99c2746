// Whole backtests: the core, the simulated venue and the recorder, as `qtrader backtest --no-journal` joins them.
#include "apps/common/session.hpp"
#include "apps/common/strategies.hpp"
#include "bench/bench.hpp"
#include "bench/random_bars.hpp"
#include "core/fund/strategy/ai.hpp"
#include "edge/report/recorder.hpp"
#include "edge/simvenue/synthetic.hpp"
#include "training/lightgbm.hpp"
#include "training/xgboost.hpp"

namespace qtrader::bench {
namespace {

domain::Instrument btc() {
  domain::Instrument i;
  i.symbol = "BTCUSDT";
  i.tick_size = domain::Price::parse("0.01").value();
  i.step_size = domain::Quantity::parse("0.001").value();
  i.min_notional = domain::Money::from_int(5);
  i.maker_fee = domain::Ratio::parse("0.0002").value();
  i.taker_fee = domain::Ratio::parse("0.0005").value();
  i.brackets = {{domain::Money(), domain::Money::from_int(10'000'000), domain::Ratio::parse("0.004").value(),
                 domain::Money(), 125}};
  return i;
}

class Recording final : public apps::SessionObserver {
 public:
  explicit Recording(report::Recorder& recorder) : recorder_(recorder) {}
  void on_step(const kernel::Envelope& envelope, const engine::Outbox& outbox) override {
    for (const auto& record : outbox.audit) {
      recorder_.on(envelope.ts_recv, record);
      decisions_ += std::holds_alternative<domain::SignalGenerated>(record);
      trades_ += std::holds_alternative<domain::TradeClosed>(record);
    }
    if (outbox.primary_bar) recorder_.on_primary_bar(outbox.primary_bar->first, outbox.primary_bar->second);
  }
  std::uint64_t decisions() const { return decisions_; }
  std::uint64_t trades() const { return trades_; }

 private:
  report::Recorder& recorder_;
  std::uint64_t decisions_ = 0, trades_ = 0;
};

base::Result<std::unique_ptr<report::Recorder>> recorder_for(const Options& options, const char* name,
                                                             const domain::InstrumentTable& table) {
  report::RunInfo info;
  info.strategy = name;
  for (const auto& i : table.all()) info.symbols.push_back(i.symbol);
  info.initial_wallet = domain::Money::from_int(10'000);
  info.synthetic = true;
  return report::Recorder::create(options.scratch / name, info, table);
}

}  // namespace

base::Result<std::vector<Figure>> bench_rule_backtest(const Options& options) {
  const std::uint64_t bars = options.quick ? 1'000'000 : 12'000'000;
  engine::EngineConfig config;
  config.strategy = "ema_cross";
  config.base = domain::Timeframe::M1;
  config.primary = domain::Timeframe::M15;
  config.limits.mark_max_age_ms = 120'000;
  // A random walk after costs only loses: small trades keep it trading to the end.
  config.limits.max_symbol_exposure_frac = 0.001;
  config.limits.drawdown_rearm_days = 1;
  QT_TRY(auto table, domain::InstrumentTable::create({btc()}));
  QT_TRY(auto strategy, fund::make_rule_strategy("ema_cross", 1));
  QT_TRY(auto recorder, recorder_for(options, "rule", table));
  QT_TRY(auto engine, engine::Engine::create(config, table, std::move(strategy)));
  simvenue::SimVenueConfig venue_config;
  venue_config.initial_wallet = domain::Money::from_int(1'000'000);
  simvenue::SimVenue venue(table, venue_config, base::Rng(1));
  kernel::Sequencer sequencer(nullptr);
  Recording recording(*recorder);
  apps::Session session(*engine, venue, sequencer, &recording);
  CyclicBars source(config.base, 5);
  apps::Slot slot;
  std::map<std::string, double> rss;
  const double start = system::steady_seconds();
  for (std::uint64_t i = 0; i < bars; ++i) {
    slot.bars.assign(1, {domain::SymbolId{0}, source.next()});
    slot.open = slot.bars[0].second.open_time;
    slot.close = slot.bars[0].second.close_time();
    if (i == 0) QT_TRY_VOID(session.start({venue_config.initial_wallet, 1, slot.open, {}}, slot.open));
    QT_TRY_VOID(session.play(slot));
    if (i == bars / 10) rss["rss_mib_at_10_percent"] = system::resident_mib();
    if (i == bars / 2) rss["rss_mib_at_50_percent"] = system::resident_mib();
  }
  const double seconds = system::steady_seconds() - start;
  rss["rss_mib_at_100_percent"] = system::resident_mib();
  rss["bars"] = static_cast<double>(bars);
  rss["bars_per_s"] = static_cast<double>(bars) / seconds;
  rss["trades"] = static_cast<double>(recording.trades());
  rss["target_bars_per_s"] = 3e6;
  return std::vector<Figure>{{"backtest.rule", rss,
                              "ema_cross, one symbol, 1m bars decided on 15m, full futures "
                              "accounting, one core; a fixed stretch of bars, cycled"}};
}

namespace {

/// Two tree members of production size, fitted on noise: the speed of a decision does not depend on its skill.
base::Result<std::vector<std::unique_ptr<models::Model>>> noise_models(bool quick) {
  std::vector<double> x, weights;
  std::vector<training::LabelClass> labels;
  base::Rng rng(1);
  const std::size_t rows = quick ? 3'000 : 20'000;
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t c = 0; c < features::kFeatureCount; ++c) x.push_back(rng.normal() * 0.1);
    labels.push_back(static_cast<training::LabelClass>(rng.below(3)));
    weights.push_back(1);
  }
  const training::RowBlock block{x, labels};
  training::XgboostParams xgb;
  training::LightgbmParams lgbm;
  if (quick) xgb.rounds = lgbm.rounds = 50;
  xgb.early_stop = lgbm.early_stop = 10'000;
  const std::string schema = features::schema_id(domain::Timeframe::M15);
  training::FitInput input;
  input.train = input.validation = block;
  input.weights = weights;
  QT_TRY(const auto a, training::fit_xgboost(input, xgb));
  QT_TRY(const auto b, training::fit_lightgbm(input, lgbm));
  std::vector<std::unique_ptr<models::Model>> members(2);
  models::ModelTraits traits{.kind = models::ModelKind::XGBoost, .schema_id = schema, .class_mean_abs_r = {1, 0.3, 1}};
  QT_TRY(members[0], models::load_xgboost(std::as_bytes(std::span(a.weights)), traits));
  traits.kind = models::ModelKind::LightGBM;
  QT_TRY(members[1], models::load_lightgbm(std::as_bytes(std::span(b.weights)), traits));
  return members;
}

}  // namespace

base::Result<std::vector<Figure>> bench_ai_backtest(const Options& options) {
  simvenue::SyntheticConfig market_config;
  market_config.symbols = 12;
  market_config.timeframe = domain::Timeframe::M5;
  market_config.from = base::from_civil({2025, 1, 1});
  market_config.to = market_config.from + base::days(options.quick ? 20 : 90);
  QT_TRY(auto market, simvenue::SyntheticMarket::create(market_config));
  engine::EngineConfig config;
  config.strategy = "ai";
  config.limits.mark_max_age_ms = 600'000;
  QT_TRY(auto table, domain::InstrumentTable::create(market.instruments()));
  QT_TRY(auto members, noise_models(options.quick));
  QT_TRY(auto ensemble, models::Ensemble::create(config.ensemble, table.size(), config.primary, std::move(members)));
  QT_TRY(auto recorder, recorder_for(options, "ai", table));
  QT_TRY(auto engine, engine::Engine::create(config, table, std::make_unique<fund::AiStrategy>(std::move(ensemble))));
  simvenue::SimVenue venue(table, {}, base::Rng(1));
  kernel::Sequencer sequencer(nullptr);
  Recording recording(*recorder);
  apps::Session session(*engine, venue, sequencer, &recording);
  const base::Timestamp decide_from = market_config.from + base::minutes(15) * config.warmup_bars;
  QT_TRY_VOID(session.start({domain::Money::from_int(10'000), 1, decide_from, {}}, market_config.from));
  std::vector<domain::Bar> bars;
  apps::Slot slot;
  double start = 0;
  while (market.next(bars)) {
    slot.open = bars[0].open_time;
    slot.close = bars[0].close_time();
    slot.funding = market.funding_at(slot.open);
    slot.bars.clear();
    for (std::size_t i = 0; i < bars.size(); ++i)
      slot.bars.emplace_back(domain::SymbolId{static_cast<std::uint16_t>(i)}, bars[i]);
    if (start == 0 && slot.open >= decide_from) start = system::steady_seconds();
    QT_TRY_VOID(session.play(slot));
  }
  const double seconds = system::steady_seconds() - start;
  return std::vector<Figure>{{"backtest.ai_trees",
                              {{"decisions", static_cast<double>(recording.decisions())},
                               {"decisions_per_s", static_cast<double>(recording.decisions()) / seconds},
                               {"trades", static_cast<double>(recording.trades())},
                               {"target_decisions_per_s", 20'000}},
                              "12 symbols, 5m bars decided on 15m, 64 features, XGBoost 600 rounds and LightGBM 200"}};
}

}  // namespace qtrader::bench
