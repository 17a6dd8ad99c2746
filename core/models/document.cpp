#include "core/models/document.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cmath>
#include <limits>
#include <memory>

namespace qtrader::models {
namespace {

using base::Errc;
using base::Error;
using base::Result;

/// Handler of Boost.JSON's event parser. Numbers are read again from their text with std::from_chars, because
/// Boost.JSON 1.81 may be off by an ulp or more, and a threshold must compare as the trainer's does.
class Builder {
 public:
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();

  using Ec = boost::system::error_code;
  using Sv = boost::json::string_view;

  bool on_document_begin(Ec&) { return true; }
  bool on_document_end(Ec&) { return true; }
  bool on_object_begin(Ec&) { return open(true); }
  bool on_object_end(std::size_t, Ec&) { return close(); }
  bool on_array_begin(Ec&) { return open(false); }
  bool on_array_end(std::size_t, Ec&) { return close(); }
  bool on_key_part(Sv part, std::size_t, Ec&) { return collect(part); }
  bool on_key(Sv part, std::size_t, Ec&) {
    collect(part);
    stack_.back().key = std::move(text_);
    text_.clear();
    return true;
  }
  bool on_string_part(Sv part, std::size_t, Ec&) { return collect(part); }
  bool on_string(Sv part, std::size_t, Ec&) {
    collect(part);
    Value v(std::move(text_));
    text_.clear();
    return add(std::move(v));
  }
  bool on_number_part(Sv part, Ec&) { return collect(part); }
  bool on_int64(std::int64_t i, Sv, Ec&) {
    text_.clear();
    return add(Value(i));
  }
  bool on_uint64(std::uint64_t u, Sv, Ec&) {
    text_.clear();
    return add(Value(u));
  }
  bool on_double(double loose, Sv part, Ec&) {
    collect(part);
    double exact = 0;
    const auto [end, status] = std::from_chars(text_.data(), text_.data() + text_.size(), exact);
    if (status != std::errc{} || end != text_.data() + text_.size()) exact = loose;  // beyond a double's range
    text_.clear();
    return add(Value(exact));
  }
  bool on_bool(bool b, Ec&) { return add(Value(b)); }
  bool on_null(Ec&) { return add(Value()); }
  bool on_comment_part(Sv, Ec&) { return true; }
  bool on_comment(Sv, Ec&) { return true; }

  Value take() { return std::move(root_); }

 private:
  struct Frame {
    bool object = false;
    bool numbers_only = true;
    std::string key;
    Value::Object members;
    Value::Numbers numbers;
    Value::Array values;
  };

  bool collect(Sv part) {
    text_.append(part.data(), part.size());
    return true;
  }
  bool open(bool object) {
    stack_.emplace_back().object = object;
    return true;
  }
  bool close() {
    Frame done = std::move(stack_.back());
    stack_.pop_back();
    if (done.object) return add(Value(std::move(done.members)));
    if (done.numbers_only) return add(Value(std::move(done.numbers)));
    return add(Value(std::move(done.values)));
  }
  bool add(Value v) {
    if (stack_.empty()) {
      root_ = std::move(v);
      return true;
    }
    Frame& top = stack_.back();
    if (top.object) {
      top.members.push_back({std::move(top.key), std::move(v)});
      return true;
    }
    double number = 0;
    if (top.numbers_only && v.number(number)) {
      top.numbers.push_back(number);
      return true;
    }
    if (top.numbers_only) {
      top.numbers_only = false;
      for (const double d : top.numbers) top.values.emplace_back(d);
      top.numbers.clear();
    }
    top.values.push_back(std::move(v));
    return true;
  }

  std::vector<Frame> stack_;
  std::string text_;
  Value root_;
};

}  // namespace

bool Value::number(double& out) const {
  if (const auto* i = as<std::int64_t>())
    out = static_cast<double>(*i);
  else if (const auto* u = as<std::uint64_t>())
    out = static_cast<double>(*u);
  else if (const auto* d = as<double>())
    out = *d;
  else
    return false;
  return true;
}

bool Value::integer(std::int64_t& out) const {
  constexpr double kExact = 9007199254740992.0;  // 2^53: beyond it a double does not say which integer it was
  if (const auto* i = as<std::int64_t>()) {
    out = *i;
    return true;
  }
  const auto* d = as<double>();
  if (d == nullptr || !(std::abs(*d) <= kExact) || std::floor(*d) != *d) return false;
  out = static_cast<std::int64_t>(*d);
  return true;
}

bool Value::unsigned_integer(std::uint64_t& out) const {
  if (const auto* u = as<std::uint64_t>()) {
    out = *u;
    return true;
  }
  std::int64_t i = 0;
  if (!integer(i) || i < 0) return false;
  out = static_cast<std::uint64_t>(i);
  return true;
}

const Value* Value::find(std::string_view key) const {
  const auto* members = as<Object>();
  if (members == nullptr) return nullptr;
  for (const Member& m : *members) {
    if (m.key == key) return &m.value;
  }
  return nullptr;
}

base::Result<Value> parse_json(std::string_view text) {
  boost::json::basic_parser<Builder> parser{boost::json::parse_options{}};
  boost::system::error_code status;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), status);
  if (status || !parser.done()) {
    return Error{"models", Errc::Corrupt,
                 "JSON text of " + std::to_string(text.size()) + " bytes breaks at byte " + std::to_string(used) +
                     ": " + (status ? status.message() : std::string("incomplete"))};
  }
  if (text.find_first_not_of(" \t\r\n", used) != std::string_view::npos) {
    return Error{"models", Errc::Corrupt, "JSON text has more after its end, at byte " + std::to_string(used)};
  }
  return parser.handler().take();
}

}  // namespace qtrader::models
