#include "training/deep/attention_kernel.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace qtrader::training::deep {
namespace {

constexpr std::int64_t kLanes = 8;
using Lanes = float __attribute__((vector_size(kLanes * sizeof(float))));
using LaneInts = std::int32_t __attribute__((vector_size(kLanes * sizeof(std::int32_t))));

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

/// eˣ for x ≤ 0, relative error below 2e-7 (S. Moshier, Cephes, expf.c); 0 below −87.
Lanes exp_lanes(Lanes x) {
  const LaneInts vanishes = x < -87.0F;
  x = vanishes ? Lanes{} : x;
  constexpr float kRound = 12'582'912.0F;  // adding it rounds to a whole number
  const Lanes n = (x * 1.44269504088896341F + kRound) - kRound;
  x = x - n * 0.693359375F + n * 2.12194440e-4F;
  Lanes p = x * 1.9875691500e-4F + 1.3981999507e-3F;
  p = p * x + 8.3334519073e-3F;
  p = p * x + 4.1665795894e-2F;
  p = p * x + 1.6666665459e-1F;
  p = p * x + 5.0000001201e-1F;
  p = p * x * x + x + 1.0F;
  const LaneInts exponent = (__builtin_convertvector(n, LaneInts) + 127) << 23;
  Lanes power;
  std::memcpy(&power, &exponent, sizeof power);
  return vanishes ? Lanes{} : p * power;
}

float sum_of(Lanes v) {
  float out = 0;
  for (std::int64_t i = 0; i < kLanes; ++i) out += v[i];
  return out;
}

float greatest_of(Lanes v) {
  float out = v[0];
  for (std::int64_t i = 1; i < kLanes; ++i) out = std::max(out, v[i]);
  return out;
}

/// One head's queries, keys or values of one series, transposed to [width][positions] and filled up to whole lanes with
/// zeros. Outside, a position's are `stride` numbers from the next one's.
class HeadMatrix {
 public:
  explicit HeadMatrix(const AttentionShape& shape)
      : positions_(shape.positions),
        width_(shape.width),
        stride_(3 * shape.d_model()),
        blocks_((shape.positions + kLanes - 1) / kLanes),
        data_(static_cast<std::size_t>(shape.width * blocks_)) {}

  void clear() { std::ranges::fill(data_, Lanes{}); }
  void read(const float* matrix) {
    for (std::int64_t i = 0; i < positions_; ++i)
      for (std::int64_t w = 0; w < width_; ++w) row(w)[i / kLanes][i % kLanes] = matrix[i * stride_ + w];
  }
  void write(float* matrix) const {
    for (std::int64_t i = 0; i < positions_; ++i)
      for (std::int64_t w = 0; w < width_; ++w) matrix[i * stride_ + w] = row(w)[i / kLanes][i % kLanes];
  }
  Lanes* row(std::int64_t w) { return data_.data() + w * blocks_; }
  const Lanes* row(std::int64_t w) const { return data_.data() + w * blocks_; }

 private:
  std::int64_t positions_, width_, stride_, blocks_;
  std::vector<Lanes> data_;
};

/// Rows of scores, filled up to whole lanes.
class ScoreRow {
 public:
  explicit ScoreRow(std::int64_t positions)
      : positions_(positions), lanes_(static_cast<std::size_t>((positions + kLanes - 1) / kLanes)) {}

  /// Values behind the last position become `filling`; all of them if there is no source.
  void read(const float* from, float filling) {
    if (positions_ % kLanes != 0) lanes_.back() = Lanes{} + filling;
    if (from != nullptr)
      std::memcpy(lanes_.data(), from, bytes());
    else
      std::fill_n(reinterpret_cast<float*>(lanes_.data()), positions_, 0.0F);
  }
  void write(float* to) const { std::memcpy(to, lanes_.data(), bytes()); }
  Lanes& operator[](std::size_t block) { return lanes_[block]; }
  std::size_t size() const { return lanes_.size(); }

 private:
  std::size_t bytes() const { return static_cast<std::size_t>(positions_) * sizeof(float); }
  std::int64_t positions_;
  std::vector<Lanes> lanes_;
};

/// out += factor · row.
void add_scaled(ScoreRow& out, float factor, const Lanes* row) {
  for (std::size_t b = 0; b < out.size(); ++b) out[b] += factor * row[b];
}

float dot(ScoreRow& a, const Lanes* row) {
  Lanes sum{};
  for (std::size_t b = 0; b < a.size(); ++b) sum += a[b] * row[b];
  return sum_of(sum);
}

void softmax(ScoreRow& row) {
  Lanes greatest = row[0];
  for (std::size_t b = 1; b < row.size(); ++b) greatest = row[b] > greatest ? row[b] : greatest;
  const float shift = greatest_of(greatest);
  Lanes sum{};
  for (std::size_t b = 0; b < row.size(); ++b) sum += row[b] = exp_lanes(row[b] - shift);
  const float norm = 1 / sum_of(sum);
  for (std::size_t b = 0; b < row.size(); ++b) row[b] *= norm;
}

float head_scale(const AttentionShape& s) { return 1 / std::sqrt(static_cast<float>(s.width)); }

/// Where a head's numbers begin in each matrix.
struct HeadOffsets {
  std::int64_t query, key, value, mixed, scores;

  HeadOffsets(const AttentionShape& s, std::int64_t series, std::int64_t head)
      : query(series * s.positions * 3 * s.d_model() + head * s.width),
        key(query + s.d_model()),
        value(key + s.d_model()),
        mixed(series * s.positions * s.d_model() + head * s.width),
        scores((series * s.heads + head) * s.positions * s.positions) {}
  void next_position(const AttentionShape& s) {
    query += 3 * s.d_model();
    mixed += s.d_model();
    scores += s.positions;
  }
};

const float* at_or_null(const float* from, std::int64_t offset) { return from == nullptr ? nullptr : from + offset; }

}  // namespace

void attention_forward(const AttentionInput& in, const AttentionOutput& out) {
  const AttentionShape& s = in.shape;
  const float scale = head_scale(s);
  HeadMatrix key(s), value(s);
  ScoreRow row(s.positions);
  for (std::int64_t head = 0; head < s.series * s.heads; ++head) {
    HeadOffsets at(s, head / s.heads, head % s.heads);
    key.read(in.projected + at.key);
    value.read(in.projected + at.value);
    for (std::int64_t i = 0; i < s.positions; ++i, at.next_position(s)) {
      row.read(at_or_null(in.previous, at.scores), kMinusInfinity);
      for (std::int64_t w = 0; w < s.width; ++w) add_scaled(row, in.projected[at.query + w] * scale, key.row(w));
      row.write(out.scores + at.scores);
      softmax(row);
      row.write(out.weights + at.scores);
      for (std::int64_t w = 0; w < s.width; ++w) out.mixed[at.mixed + w] = dot(row, value.row(w));
    }
  }
}

void attention_backward(const AttentionInput& in, const float* weights, const AttentionGradient& gradient,
                        const AttentionInputGradient& out) {
  const AttentionShape& s = in.shape;
  const float scale = head_scale(s);
  HeadMatrix key(s), value(s), by_key(s), by_value(s);
  ScoreRow weight(s.positions), by_weight(s.positions), by_score(s.positions);
  for (std::int64_t head = 0; head < s.series * s.heads; ++head) {
    HeadOffsets at(s, head / s.heads, head % s.heads);
    const std::int64_t keys = at.key, values = at.value;
    key.read(in.projected + keys);
    value.read(in.projected + values);
    by_key.clear();
    by_value.clear();
    for (std::int64_t i = 0; i < s.positions; ++i, at.next_position(s)) {
      weight.read(weights + at.scores, 0);
      by_weight.read(nullptr, 0);
      by_score.read(at_or_null(gradient.scores, at.scores), 0);
      for (std::int64_t w = 0; w < s.width; ++w) add_scaled(by_weight, gradient.mixed[at.mixed + w], value.row(w));
      const float mean = dot(weight, &by_weight[0]);
      for (std::size_t b = 0; b < weight.size(); ++b) by_score[b] += weight[b] * (by_weight[b] - mean);
      if (out.previous != nullptr) by_score.write(out.previous + at.scores);
      for (std::int64_t w = 0; w < s.width; ++w) {
        out.projected[at.query + w] = dot(by_score, key.row(w)) * scale;
        const float query = in.projected[at.query + w] * scale, by_mixed = gradient.mixed[at.mixed + w];
        Lanes *k = by_key.row(w), *v = by_value.row(w);
        for (std::size_t b = 0; b < weight.size(); ++b) k[b] += query * by_score[b];
        for (std::size_t b = 0; b < weight.size(); ++b) v[b] += by_mixed * weight[b];
      }
    }
    by_key.write(out.projected + keys);
    by_value.write(out.projected + values);
  }
}

}  // namespace qtrader::training::deep
