#include "core/models/network_model.hpp"

#include <optional>

#include "core/models/tree_model.hpp"

namespace qtrader::models {
namespace {

using base::Errc;
using base::Error;
using base::Result;

/// The timeframe whose schema this is: a schema's hash covers its timeframe, so no second statement of it can disagree.
std::optional<domain::Timeframe> timeframe_of(const std::string& schema_id) {
  using domain::Timeframe;
  for (const Timeframe tf : {Timeframe::M1, Timeframe::M3, Timeframe::M5, Timeframe::M15, Timeframe::M30, Timeframe::H1,
                             Timeframe::H2, Timeframe::H4, Timeframe::D1}) {
    if (features::schema_id(tf) == schema_id) return tf;
  }
  return std::nullopt;
}

template <class Network>
Result<std::unique_ptr<Model>> make(const TensorFile& file, ModelTraits traits, base::Duration spacing) {
  QT_TRY(Network network, Network::create(file));
  return std::unique_ptr<Model>(
      std::make_unique<NetworkModel<Network>>(std::move(traits), std::move(network), spacing));
}

}  // namespace

Result<std::unique_ptr<Model>> load_network(std::span<const std::byte> file, ModelTraits traits) {
  QT_TRY_VOID(identify(file, traits));
  const auto timeframe = timeframe_of(traits.schema_id);
  if (!timeframe) {
    return Error{"models", Errc::SchemaMismatch,
                 std::string(name(traits.kind)) + " was trained on schema '" + traits.schema_id +
                     "', which is that of no timeframe"};
  }
  const base::Duration spacing = domain::duration(*timeframe);
  QT_TRY(const TensorFile tensors, parse_tensor_file(file));
  switch (traits.kind) {
    case ModelKind::NHits:
      return make<NHits>(tensors, std::move(traits), spacing);
    case ModelKind::PatchTst:
      return make<PatchTst>(tensors, std::move(traits), spacing);
    case ModelKind::XGBoost:
    case ModelKind::LightGBM:
      break;
  }
  return Error{"models", Errc::InvalidArgument, std::string(name(traits.kind)) + " is no network"};
}

}  // namespace qtrader::models
