#include <cstring>
#include <span>

#include "core/base/hash.hpp"
#include "edge/history/atomic_file.hpp"
#include "edge/history/bar_store.hpp"
#include "edge/history/bar_store_format.hpp"

namespace qtrader::history {
namespace {

using base::Errc;
using base::Result;

base::Error invalid(const StoreTags& tags, const std::string& what) {
  return {"history", Errc::InvalidArgument, "bar store of " + tags.symbol + ": " + what};
}

}  // namespace

struct BarStoreWriter::Impl {
  AtomicFile file;
  StoreTags tags;
  domain::Timeframe timeframe;
  qtb::Header header{};
  std::vector<qtb::GroupEntry> index{};
  std::vector<domain::Bar> group{};
  std::vector<std::byte> column{};

  Result<void> flush_group();
  Result<void> write_column(std::size_t c, qtb::GroupEntry& entry);
};

namespace {

/// One column of a group, packed; the padding is part of what is returned but not of the checksum.
void pack(std::size_t c, std::span<const domain::Bar> bars, std::vector<std::byte>& out) {
  out.assign(qtb::padded(qtb::column_bytes(c, bars.size())), std::byte{0});
  const auto put = [&out](std::size_t row, auto value) {
    std::memcpy(out.data() + row * sizeof value, &value, sizeof value);
  };
  for (std::size_t i = 0; i < bars.size(); ++i) {
    const domain::Bar& b = bars[i];
    switch (c) {
      case qtb::kTime:
        put(i, b.open_time.ns);
        break;
      case qtb::kOpen:
        put(i, b.open.raw());
        break;
      case qtb::kHigh:
        put(i, b.high.raw());
        break;
      case qtb::kLow:
        put(i, b.low.raw());
        break;
      case qtb::kClose:
        put(i, b.close.raw());
        break;
      case qtb::kVolume:
        put(i, b.volume);
        break;
      case qtb::kQuoteVolume:
        put(i, b.quote_volume);
        break;
      case qtb::kTakerBuy:
        put(i, b.taker_buy_base);
        break;
      default:
        put(i, b.trades);
        break;
    }
  }
}

}  // namespace

Result<void> BarStoreWriter::Impl::write_column(std::size_t c, qtb::GroupEntry& entry) {
  pack(c, group, column);
  entry.checksums[c] = base::xxh64(std::span(column).first(qtb::column_bytes(c, group.size())), c);
  return file.append(column);
}

Result<void> BarStoreWriter::Impl::flush_group() {
  if (group.empty()) return {};
  qtb::GroupEntry entry{};
  entry.offset = file.size();
  entry.rows = static_cast<std::uint32_t>(group.size());
  entry.columns = group.front().columns;
  entry.first_ns = group.front().open_time.ns;
  entry.last_ns = group.back().open_time.ns;
  for (std::size_t c = 0; c < qtb::kColumnCount; ++c)
    if (qtb::has_column(entry.columns, c)) QT_TRY_VOID(write_column(c, entry));
  header.columns = static_cast<std::uint8_t>(header.columns | entry.columns);
  index.push_back(entry);
  group.clear();
  return {};
}

BarStoreWriter::BarStoreWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BarStoreWriter::BarStoreWriter(BarStoreWriter&&) noexcept = default;
BarStoreWriter& BarStoreWriter::operator=(BarStoreWriter&&) noexcept = default;
BarStoreWriter::~BarStoreWriter() = default;

Result<BarStoreWriter> BarStoreWriter::create(const std::filesystem::path& directory, StoreTags tags,
                                              domain::Timeframe timeframe) {
  QT_TRY(tags.symbol, domain::canonical_symbol(tags.symbol));
  if (tags.kind == SeriesKind::Funding) return invalid(tags, "holds bars; funding is kept as CSV");
  if (tags.source.size() > qtb::kSourceBytes)
    return invalid(tags, "source of " + std::to_string(tags.source.size()) + " bytes: at most 1024");
  const std::string name = tags.symbol + "-" + std::string(to_string(timeframe)) + ".qtb";
  QT_TRY(auto file, AtomicFile::create(directory / name));
  auto impl = std::make_unique<Impl>(Impl{std::move(file), std::move(tags), timeframe});
  impl->group.reserve(kRowGroupRows);
  QT_TRY_VOID(impl->file.append(std::as_bytes(std::span(&impl->header, 1))));  // room; filled in by commit
  return BarStoreWriter(std::move(impl));
}

Result<void> BarStoreWriter::append(const domain::Bar& bar) {
  Impl& w = *impl_;
  if (bar.timeframe != w.timeframe)
    return invalid(w.tags, "bar of " + std::string(to_string(bar.timeframe)) + " in a file of " +
                               std::string(to_string(w.timeframe)));
  if (w.header.rows > 0 && bar.open_time.ns <= w.header.to_ns)
    return invalid(w.tags, "bar at " + base::format_timestamp(bar.open_time) + " is not after " +
                               base::format_timestamp({w.header.to_ns}));
  // A group has one set of optional columns; joined sources may change it on the way.
  if (w.group.size() == kRowGroupRows || (!w.group.empty() && w.group.front().columns != bar.columns))
    QT_TRY_VOID(w.flush_group());
  if (w.header.rows++ == 0) w.header.from_ns = bar.open_time.ns;
  w.header.to_ns = bar.open_time.ns;  // the last open time until commit turns it into the end
  w.group.push_back(bar);
  return {};
}

Result<std::filesystem::path> BarStoreWriter::commit() {
  Impl& w = *impl_;
  QT_TRY_VOID(w.flush_group());
  qtb::Header& h = w.header;
  h.magic = qtb::kMagic;
  h.version = qtb::kVersion;
  h.timeframe_minutes = static_cast<std::uint16_t>(w.timeframe);
  h.kind = static_cast<std::uint8_t>(w.tags.kind);
  h.synthetic = w.tags.synthetic ? 1 : 0;
  h.groups = w.index.size();
  h.index_offset = w.file.size();
  const auto index = std::as_bytes(std::span(w.index));
  h.index_checksum = base::xxh64(index, 0);
  if (h.rows > 0) h.to_ns += domain::duration(w.timeframe).ns;
  h.source_size = static_cast<std::uint32_t>(w.tags.source.size());
  std::memcpy(h.symbol.data(), w.tags.symbol.data(), w.tags.symbol.size());
  std::memcpy(h.source.data(), w.tags.source.data(), w.tags.source.size());
  const auto bytes = std::as_bytes(std::span(&h, 1));
  h.checksum = base::xxh64(bytes.first(bytes.size() - sizeof h.checksum), 0);
  QT_TRY_VOID(w.file.append(index));
  QT_TRY_VOID(w.file.rewrite(0, bytes));
  QT_TRY_VOID(w.file.commit());
  return w.file.target();
}

}  // namespace qtrader::history
