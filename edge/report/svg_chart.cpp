#include "edge/report/svg_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>

#include "core/base/time.hpp"
#include "edge/report/summary.hpp"

namespace qtrader::report {
namespace {

constexpr double kWidth = 2000, kHeight = 1000;

template <class... Args>
void append(std::string& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
}

constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// Decimals that tell values `step` apart from each other.
int decimals_for(double step) {
  if (!(step > 0)) return 0;
  return std::clamp(static_cast<int>(-std::floor(std::log10(step * 1.0001))), 0, 8);
}

std::vector<TimeTick> month_ticks(Range range, int step_months) {
  std::vector<TimeTick> out;
  base::CivilDate date = base::civil_date(base::Timestamp::from_unix_ms(static_cast<std::int64_t>(range.low)));
  date = {date.year, (date.month - 1) / step_months * step_months + 1, 1};
  for (;;) {
    const std::int64_t ms = base::from_civil(date).unix_ms();
    if (static_cast<double>(ms) > range.high) return out;
    if (static_cast<double>(ms) >= range.low)
      out.push_back({ms, step_months >= 12
                             ? std::to_string(date.year)
                             : fmt::format("{} {}", kMonths[static_cast<std::size_t>(date.month - 1)], date.year)});
    date.month += step_months;
    date.year += (date.month - 1) / 12;
    date.month = (date.month - 1) % 12 + 1;
  }
}

std::string tick_label(std::int64_t ts_ms, std::int64_t step_ms) {
  const base::Timestamp ts = base::Timestamp::from_unix_ms(ts_ms);
  const base::CivilDate date = base::civil_date(ts);
  const int minute = base::minute_of_day(ts);
  if (step_ms < 86'400'000 && minute != 0) return fmt::format("{:02}:{:02}", minute / 60, minute % 60);
  return fmt::format("{} {}", date.day, kMonths[static_cast<std::size_t>(date.month - 1)]);
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out.push_back(c);
    }
  }
  return out;
}

Range Range::padded(double fraction) const {
  const double span = high - low;
  if (span > 0) return {low - span * fraction, high + span * fraction};
  const double around = std::max(std::fabs(low) * 0.05, 1e-6);
  return {low - around, high + around};
}

void Range::include(double x) {
  low = std::min(low, x);
  high = std::max(high, x);
}

Range range_of(const std::vector<CurvePoint>& points) {
  if (points.empty()) return {};
  const auto [low, high] = std::ranges::minmax(points, {}, &CurvePoint::value);
  return {low.value, high.value};
}

std::vector<double> nice_ticks(Range range, int about) {
  const double span = range.high - range.low;
  if (!(span > 0)) return {range.low};
  const double raw = span / about;
  const double unit = std::pow(10, std::floor(std::log10(raw)));
  const double lead = raw / unit;
  const double step = unit * (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10);
  std::vector<double> out;
  for (double k = std::ceil(range.low / step); k * step <= range.high; ++k) out.push_back(k * step);
  return out;
}

std::vector<TimeTick> time_ticks(Range range) {
  constexpr std::size_t kMost = 8;
  constexpr std::int64_t kHour = 3'600'000, kDay = 24 * kHour;
  for (const std::int64_t step :
       {kHour, 3 * kHour, 6 * kHour, 12 * kHour, kDay, 2 * kDay, 5 * kDay, 10 * kDay, 14 * kDay}) {
    if ((range.high - range.low) / static_cast<double>(step) > static_cast<double>(kMost - 1)) continue;
    std::vector<TimeTick> out;
    for (auto k = static_cast<std::int64_t>(std::ceil(range.low / static_cast<double>(step)));
         static_cast<double>(k * step) <= range.high; ++k)
      out.push_back({k * step, tick_label(k * step, step)});
    return out;
  }
  for (const int months : {1, 3, 6}) {
    std::vector<TimeTick> out = month_ticks(range, months);
    if (out.size() <= kMost) return out;
  }
  for (int years = 1;; years *= 2) {
    std::vector<TimeTick> out = month_ticks(range, 12 * years);
    if (out.size() <= kMost) return out;
  }
}

std::string axis_text(double value, double step, ValueFormat format) {
  switch (format) {
    case ValueFormat::Percent:
      return number(value * 100, decimals_for(step * 100)) + " %";
    case ValueFormat::R:
      return number(value, decimals_for(step)) + " R";
    case ValueFormat::Number:
      break;
  }
  return number(value, decimals_for(step));
}

SvgChart::SvgChart(ChartStyle style, Range x, Range y) : style_(std::move(style)), x_(x), y_(y) {
  if (!(x_.high > x_.low)) x_ = x_.padded(0);
  if (!(y_.high > y_.low)) y_ = y_.padded(0);
}

double SvgChart::px(double x) const { return (x - x_.low) / (x_.high - x_.low) * kWidth; }
double SvgChart::py(double y) const { return (1 - (y - y_.low) / (y_.high - y_.low)) * kHeight; }

void SvgChart::path(const std::vector<CurvePoint>& points) {
  char command = 'M';
  for (const CurvePoint& p : points) {
    append(shapes_, "{}{:.1f} {:.1f}", command, px(static_cast<double>(p.ts_ms)), py(p.value));
    command = 'L';
  }
}

void SvgChart::line(const std::vector<CurvePoint>& points, const SvgLine& style) {
  if (points.empty()) return;
  append(shapes_, "<path class=\"line {}\" data-name=\"{}\" d=\"", style.css_class, escape_html(style.name));
  path(points);
  shapes_ += "\"/>\n";
}

void SvgChart::area(const std::vector<CurvePoint>& points, double base, const SvgLine& style) {
  if (points.empty()) return;
  append(shapes_, "<path class=\"area {}\" d=\"", style.css_class);
  path(points);
  append(shapes_, "L{:.1f} {:.1f}L{:.1f} {:.1f}Z\"/>\n", px(static_cast<double>(points.back().ts_ms)), py(base),
         px(static_cast<double>(points.front().ts_ms)), py(base));
  line(points, style);
}

void SvgChart::bar(Range x, Range y, std::string_view css_class, std::string_view title) {
  const double left = px(x.low), top = py(y.high);
  append(
      shapes_,
      "<rect class=\"bar {}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"><title>{}</title></rect>\n",
      css_class, left, top, px(x.high) - left, std::max(py(y.low) - top, 1.0), escape_html(title));
}

void SvgChart::dot(const Dot& dot) {
  append(symbols_, "<circle class=\"dot {}\" cx=\"{:.2f}%\" cy=\"{:.2f}%\" r=\"3\"><title>{}</title></circle>\n",
         dot.css_class, px(dot.x) / kWidth * 100, py(dot.y) / kHeight * 100, escape_html(dot.title));
}

void SvgChart::marker(const Dot& dot, bool up) {
  append(symbols_,
         "<svg class=\"marker {}\" x=\"{:.2f}%\" y=\"{:.2f}%\"><path d=\"{}\"><title>{}</title></path></svg>\n",
         dot.css_class, px(dot.x) / kWidth * 100, py(dot.y) / kHeight * 100, up ? "M-5 5L0-4L5 5Z" : "M-5-5L0 4L5-5Z",
         escape_html(dot.title));
}

void SvgChart::segment(CurvePoint from, CurvePoint to, std::string_view css_class) {
  append(shapes_, "<path class=\"segment {}\" d=\"", css_class);
  path({from, to});
  shapes_ += "\"/>\n";
}

void SvgChart::horizontal(double y, std::string_view css_class) {
  append(shapes_, "<path class=\"{}\" d=\"M0 {:.1f}H{}\"/>\n", css_class, py(y), kWidth);
}

void SvgChart::vertical(double x, std::string_view css_class) {
  append(shapes_, "<path class=\"{}\" d=\"M{:.1f} 0V{}\"/>\n", css_class, px(x), kHeight);
}

std::string SvgChart::grid() const {
  std::string out;
  for (const double y : nice_ticks(y_, 5)) append(out, "<path class=\"grid\" d=\"M0 {:.1f}H{}\"/>\n", py(y), kWidth);
  return out;
}

std::string SvgChart::labels() const {
  std::string out = "<div class=\"ylabels\" aria-hidden=\"true\">";
  const std::vector<double> ticks = nice_ticks(y_, 5);
  const double step = ticks.size() > 1 ? ticks[1] - ticks[0] : 0;
  for (const double y : ticks)
    append(out, "<span style=\"top:{:.2f}%\">{}</span>", py(y) / kHeight * 100, axis_text(y, step, style_.y));
  out += "</div>";
  if (style_.x != ChartStyle::XAxis::None) {
    out += "<div class=\"xlabels\" aria-hidden=\"true\">";
    const auto put = [&](double x, const std::string& text) {
      const double at = px(x) / kWidth * 100;
      append(out, "<span class=\"{}\" style=\"left:{:.2f}%\">{}</span>",
             at < 4    ? "first"
             : at > 94 ? "last"
                       : "",
             at, text);
    };
    if (style_.x == ChartStyle::XAxis::Time) {
      for (const TimeTick& t : time_ticks(x_)) put(static_cast<double>(t.ts_ms), t.label);
    } else {
      const std::vector<double> marks = nice_ticks(x_, 7);
      for (const double x : marks) put(x, axis_text(x, marks.size() > 1 ? marks[1] - marks[0] : 0, ValueFormat::R));
    }
    out += "</div>";
  }
  if (!style_.x_title.empty()) append(out, "<div class=\"xtitle\">{}</div>", escape_html(style_.x_title));
  return out;
}

std::string SvgChart::html() const {
  std::string out;
  append(out, "<div class=\"chart\"><div class=\"plot\" style=\"height:{}px\">", style_.height_px);
  append(out,
         "<svg role=\"img\" aria-label=\"{}\" width=\"100%\" height=\"100%\" data-x0=\"{}\" data-x1=\"{}\" "
         "data-y0=\"{}\" data-y1=\"{}\" data-format=\"{}\">\n",
         escape_html(style_.label), x_.low, x_.high, y_.low, y_.high,
         style_.y == ValueFormat::Percent ? "percent" : "number");
  append(out, "<svg width=\"100%\" height=\"100%\" viewBox=\"0 0 {} {}\" preserveAspectRatio=\"none\">\n", kWidth,
         kHeight);
  out += grid();
  out += shapes_;
  out += "</svg>\n";
  out += symbols_;
  out += "</svg></div>";
  out += labels();
  out += "</div>\n";
  return out;
}

}  // namespace qtrader::report
