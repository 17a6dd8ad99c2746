#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
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
using domain::Bar;
namespace fs = std::filesystem;

base::Error fault(Errc code, const fs::path& file, const std::string& what) {
  return {"history", code, file.string() + ": " + what};
}

/// A read-only mapping of a whole file.
class Mapping {
 public:
  static Result<Mapping> open(const fs::path& file) {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
      if (errno == ENOENT) return fault(Errc::NotFound, file, std::strerror(errno));
      return io_error(file, "open", errno);
    }
    struct stat status{};
    const bool known = ::fstat(fd, &status) == 0;
    const auto size = known ? static_cast<std::size_t>(status.st_size) : 0;
    void* data = size == 0 ? nullptr : ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
    const int why = errno;
    ::close(fd);
    if (size == 0) return fault(Errc::Corrupt, file, "empty: expected a bar store");
    if (data == MAP_FAILED) return io_error(file, "map", why);
    ::madvise(data, size, MADV_SEQUENTIAL);
    return Mapping(static_cast<const std::byte*>(data), size);
  }
  Mapping(Mapping&& o) noexcept : data_(std::exchange(o.data_, nullptr)), size_(o.size_) {}
  Mapping& operator=(Mapping&&) = delete;
  ~Mapping() {
    if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
  }
  std::span<const std::byte> bytes() const { return {data_, size_}; }

  /// Gives the pages wholly inside [from, to) back to the system.
  void release(std::uint64_t from, std::uint64_t to) const {
    static const auto kPage = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    from = (from + kPage - 1) / kPage * kPage;
    to = to / kPage * kPage;
    if (from < to) ::madvise(const_cast<std::byte*>(data_) + from, to - from, MADV_DONTNEED);
  }

 private:
  Mapping(const std::byte* data, std::size_t size) : data_(data), size_(size) {}
  const std::byte* data_;
  std::size_t size_;
};

Result<qtb::Header> check_header(const fs::path& file, std::span<const std::byte> bytes) {
  qtb::Header h{};
  if (bytes.size() < sizeof h) return fault(Errc::Corrupt, file, "shorter than a bar store's header");
  std::memcpy(&h, bytes.data(), sizeof h);
  if (h.magic != qtb::kMagic) return fault(Errc::Corrupt, file, "does not begin like a bar store");
  if (h.version != qtb::kVersion)
    return fault(
        Errc::SchemaMismatch, file,
        "bar store version " + std::to_string(h.version) + ": this program reads " + std::to_string(qtb::kVersion));
  const std::uint64_t sum = base::xxh64(bytes.first(sizeof h - sizeof h.checksum), 0);
  if (sum != h.checksum)
    return fault(Errc::Corrupt, file, "header checksum " + base::hex64(sum) + ": expected " + base::hex64(h.checksum));
  domain::Timeframe tf{};
  bool known = false;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<domain::Timeframe>>([&](auto d) {
    if (static_cast<std::uint16_t>(d.value) == h.timeframe_minutes) tf = d.value, known = true;
  });
  if (!known || h.kind > static_cast<std::uint8_t>(SeriesKind::MarkBars) || h.source_size > qtb::kSourceBytes)
    return fault(Errc::Corrupt, file,
                 "header with timeframe " + std::to_string(h.timeframe_minutes) + ", kind " + std::to_string(h.kind) +
                     ", source size " + std::to_string(h.source_size));
  return h;
}

StoreInfo info_of(const qtb::Header& h) {
  StoreInfo info;
  const auto end = std::find(h.symbol.begin(), h.symbol.end(), '\0');
  info.tags = {std::string(h.symbol.begin(), end), static_cast<SeriesKind>(h.kind), h.synthetic != 0,
               std::string(h.source.data(), h.source_size)};
  info.timeframe = static_cast<domain::Timeframe>(h.timeframe_minutes);
  info.from = {h.from_ns};
  info.to = {h.to_ns};
  info.rows = h.rows;
  info.columns = h.columns;
  return info;
}

Result<std::vector<qtb::GroupEntry>> check_index(const fs::path& file, const qtb::Header& h,
                                                 std::span<const std::byte> bytes) {
  const std::uint64_t room = bytes.size() - sizeof h;
  if (h.groups > room / sizeof(qtb::GroupEntry) || h.index_offset < sizeof h ||
      h.index_offset != bytes.size() - h.groups * sizeof(qtb::GroupEntry))
    return fault(Errc::Corrupt, file,
                 "has " + std::to_string(bytes.size()) + " bytes, its index does not end there: truncated");
  const auto raw = bytes.subspan(h.index_offset);
  if (base::xxh64(raw, 0) != h.index_checksum) return fault(Errc::Corrupt, file, "index checksum differs");
  std::vector<qtb::GroupEntry> index(h.groups);
  if (!raw.empty()) std::memcpy(index.data(), raw.data(), raw.size());
  std::uint64_t rows = 0, offset = sizeof h;
  for (const auto& g : index) {
    if (g.offset != offset || g.rows == 0 || g.rows > kRowGroupRows || g.first_ns > g.last_ns)
      return fault(Errc::Corrupt, file,
                   "index entry at offset " + std::to_string(g.offset) + " contradicts its neighbours");
    rows += g.rows;
    offset += qtb::group_bytes(g.columns, g.rows);
  }
  if (rows != h.rows || offset != h.index_offset)
    return fault(Errc::Corrupt, file,
                 "index of " + std::to_string(rows) + " rows, header says " + std::to_string(h.rows));
  return index;
}

class StoreCursor final : public BarCursor {
 public:
  StoreCursor(fs::path file, Mapping mapping, StoreInfo info, std::vector<qtb::GroupEntry> index, Window window)
      : file_(std::move(file)),
        mapping_(std::move(mapping)),
        info_(std::move(info)),
        index_(std::move(index)),
        window_(window) {
    group_ = static_cast<std::size_t>(
        std::partition_point(index_.begin(), index_.end(),
                             [&](const qtb::GroupEntry& g) { return g.last_ns < window_.from.ns; }) -
        index_.begin());
  }

  Result<std::optional<Bar>> next() override {
    if (row_ == rows_) {
      if (rows_ > 0) leave_group();
      if (group_ == index_.size() || index_[group_].first_ns >= window_.to.ns) return std::optional<Bar>();
      QT_TRY_VOID(enter_group());
      if (row_ == rows_) return std::optional<Bar>();  // the window ends inside this group, before its first row
    }
    const std::size_t i = row_++;
    Bar bar;
    bar.open_time = {at<std::int64_t>(qtb::kTime, i)};
    bar.open = domain::Price::from_raw(at<std::int64_t>(qtb::kOpen, i));
    bar.high = domain::Price::from_raw(at<std::int64_t>(qtb::kHigh, i));
    bar.low = domain::Price::from_raw(at<std::int64_t>(qtb::kLow, i));
    bar.close = domain::Price::from_raw(at<std::int64_t>(qtb::kClose, i));
    bar.volume = at<double>(qtb::kVolume, i);
    if ((columns_ & domain::kHasQuoteVolume) != 0) bar.quote_volume = at<double>(qtb::kQuoteVolume, i);
    if ((columns_ & domain::kHasTakerBuy) != 0) bar.taker_buy_base = at<double>(qtb::kTakerBuy, i);
    if ((columns_ & domain::kHasTrades) != 0) bar.trades = at<std::uint32_t>(qtb::kTrades, i);
    bar.timeframe = info_.timeframe;
    bar.columns = columns_;
    return std::optional<Bar>(bar);
  }

 private:
  template <class T>
  T at(std::size_t column, std::size_t row) const {
    T value;
    std::memcpy(&value, columns_at_[column] + row * sizeof(T), sizeof(T));
    return value;
  }

  void leave_group() {
    const qtb::GroupEntry& g = index_[group_];
    mapping_.release(g.offset, g.offset + qtb::group_bytes(g.columns, g.rows));
    ++group_;
    row_ = rows_ = 0;
  }

  Result<void> enter_group() {
    const qtb::GroupEntry& g = index_[group_];
    columns_ = static_cast<std::uint8_t>(g.columns);
    std::uint64_t offset = g.offset;
    for (std::size_t c = 0; c < qtb::kColumnCount; ++c) {
      columns_at_[c] = nullptr;
      if (!qtb::has_column(g.columns, c)) continue;
      const auto bytes = mapping_.bytes().subspan(offset, qtb::column_bytes(c, g.rows));
      if (base::xxh64(bytes, c) != g.checksums[c])
        return fault(
            Errc::Corrupt, file_,
            "checksum of column " + std::to_string(c) + " in row group " + std::to_string(group_) + " differs");
      columns_at_[c] = bytes.data();
      offset += qtb::padded(bytes.size());
    }
    row_ = first_not_before(window_.from.ns, g.rows);
    rows_ = first_not_before(window_.to.ns, g.rows);
    return {};
  }

  std::size_t first_not_before(std::int64_t ns, std::size_t rows) const {
    std::size_t low = 0, high = rows;
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      if (at<std::int64_t>(qtb::kTime, middle) < ns)
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }

  fs::path file_;
  Mapping mapping_;
  StoreInfo info_;
  std::vector<qtb::GroupEntry> index_;
  Window window_;
  std::size_t group_ = 0, row_ = 0, rows_ = 0;  // rows_: end of the window within the group
  std::uint8_t columns_ = 0;
  std::array<const std::byte*, qtb::kColumnCount> columns_at_{};
};

}  // namespace

Result<std::unique_ptr<BarCursor>> open_bar_store(const fs::path& file, Window window) {
  QT_TRY(auto mapping, Mapping::open(file));
  QT_TRY(const qtb::Header header, check_header(file, mapping.bytes()));
  QT_TRY(auto index, check_index(file, header, mapping.bytes()));
  return std::unique_ptr<BarCursor>(
      std::make_unique<StoreCursor>(file, std::move(mapping), info_of(header), std::move(index), window));
}

Result<StoreInfo> read_store_info(const fs::path& file) {
  QT_TRY(const auto mapping, Mapping::open(file));
  QT_TRY(const qtb::Header header, check_header(file, mapping.bytes()));
  return info_of(header);
}

Result<StoreDensity> read_density(const fs::path& file, Window window) {
  QT_TRY(const auto mapping, Mapping::open(file));
  QT_TRY(const qtb::Header header, check_header(file, mapping.bytes()));
  QT_TRY(const auto index, check_index(file, header, mapping.bytes()));
  const std::int64_t bar_ns = domain::duration(static_cast<domain::Timeframe>(header.timeframe_minutes)).ns;
  constexpr std::int64_t kFar = 4'000'000'000'000'000'000;  // keeps differences representable for an open-ended window
  window = {{std::clamp(window.from.ns, -kFar, kFar)}, {std::clamp(window.to.ns, -kFar, kFar)}};
  StoreDensity out;
  std::int64_t covered = window.from.ns, longest = 0;
  for (const auto& g : index) {
    if (g.last_ns < window.from.ns || g.first_ns >= window.to.ns) continue;
    for (std::uint32_t i = 0; i < g.rows; ++i) {
      std::int64_t open = 0;
      std::memcpy(&open, mapping.bytes().data() + g.offset + i * sizeof open, sizeof open);
      if (open < window.from.ns || open >= window.to.ns) continue;
      longest = std::max(longest, open - covered);
      covered = open + bar_ns;
      ++out.rows;
    }
    mapping.release(g.offset, g.offset + qtb::padded(g.rows * sizeof(std::int64_t)));
  }
  out.longest_hole = {std::max(longest, window.to.ns - covered)};
  return out;
}

}  // namespace qtrader::history
