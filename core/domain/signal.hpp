// Signals and model votes: what the intelligence wants, before anybody has allowed it.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "core/base/reflect.hpp"
#include "core/base/time.hpp"
#include "core/domain/ids.hpp"
#include "core/domain/money.hpp"
#include "core/domain/order.hpp"

namespace qtrader::domain {

/// Class index of labels and probabilities.
enum class Action : std::uint8_t { Sell = 0, Hold = 1, Buy = 2 };
enum class Consensus : std::uint8_t { None, Weak, Split, Strong, Unanimous };
/// The one regime vocabulary of the system (ai.md 6.4).
enum class Regime : std::uint8_t { Unknown, TrendUp, TrendDown, RangeLowVol, RangeHighVol, HighVolatility, Illiquid };
/// Why an evaluated symbol produced no entry signal.
enum class HoldReason : std::uint8_t {
  None,
  FeaturesInvalid,
  NoActiveModel,
  TooFewModels,
  ModelsSayHold,
  NoConsensus,
  Opposed,
  LowConfidence,
  NegativeExpectedValue,
  NoSetup,
};

QT_DESCRIBE_ENUM(Action, Sell, Hold, Buy)
QT_DESCRIBE_ENUM(Consensus, None, Weak, Split, Strong, Unanimous)
QT_DESCRIBE_ENUM(Regime, Unknown, TrendUp, TrendDown, RangeLowVol, RangeHighVol, HighVolatility, Illiquid)
QT_DESCRIBE_ENUM(HoldReason, None, FeaturesInvalid, NoActiveModel, TooFewModels, ModelsSayHold, NoConsensus, Opposed,
                 LowConfidence, NegativeExpectedValue, NoSetup)

/// One ensemble member's contribution to one decision.
struct ModelVote {
  std::string model;          // "xgboost", "lightgbm", "nhits", "patchtst"
  std::string version;        // artefact hash, first 12 hex digits
  std::array<double, 3> p{};  // as pooled: its directional part is already shrunk by ood_factor
  Action action = Action::Hold;
  double effective_weight = 0;
  bool counted = false;
  std::string note;                 // why not counted
  std::optional<double> ood_score;  // share of its training rows that were less unusual than this one, [0, 1]
  double ood_factor = 1;            // what was left of the lead over 0.5 of its directional probability, (0, 1]
};
QT_DESCRIBE(ModelVote, model, version, p, action, effective_weight, counted, note, ood_score, ood_factor)

struct Signal {
  TraceId trace;
  SymbolId symbol;
  Action action = Action::Hold;
  HoldReason hold_reason = HoldReason::None;  // set when action is Hold
  double confidence = 0;                      // selectivity score, [0.35, 0.95] (ai.md 0.3)
  double p_dir = 0;                           // calibrated probability that the side is right; 0 if not probabilistic
  double p_dir_raw = 0;                       // the same before the ensemble's calibration
  std::uint32_t calibration = 0;              // number of the map between the two, from 1; 0: none, they are equal
  std::int32_t calibration_day = 0;           // when it was fitted, days since 1970 UTC; 0: none
  std::array<double, 3> p{};                  // ensemble probabilities; zeros for rule strategies
  Consensus consensus = Consensus::None;
  double disagreement = 0;        // Jensen–Shannon divergence of the counted votes, nats; 0 without votes
  double expected_edge_frac = 0;  // expected gross price move in our favour, fraction; 0 if not estimated
  // Bounds of the log return in our favour over the horizon at the configured coverage; low < 0 is a move against us.
  // Both or neither: absent while too few verdicts have matured.
  std::optional<double> interval_low_frac, interval_high_frac;
  Price price;          // close of the bar decided on
  double atr_frac = 0;  // ATR(14) of the primary timeframe / price
  Regime regime = Regime::Unknown;
  base::Timestamp bar_close;
  std::int32_t horizon_minutes = 0;
  std::string source;  // "ai", "ema_cross", …
  std::vector<ModelVote> votes;
  std::vector<double> features;  // the 64 values decided on; empty for rule strategies
  std::uint64_t feature_mask = 0;
  bool high_volatility = false;
};
QT_DESCRIBE(Signal, trace, symbol, action, hold_reason, confidence, p_dir, p_dir_raw, calibration, calibration_day, p,
            consensus, disagreement, expected_edge_frac, interval_low_frac, interval_high_frac, price, atr_frac, regime,
            bar_close, horizon_minutes, source, votes, features, feature_mask, high_volatility)

}  // namespace qtrader::domain
