// SvgChart: one chart of the tear sheet: axes, lines, areas, bars and dots as inline SVG that scales with the page.
//
// The plot is stretched to whatever width the page has, while labels are ordinary HTML text and dots keep their shape,
// so that it is readable on a phone. Colours are CSS classes. Text given by callers is escaped here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "edge/report/curve.hpp"

namespace qtrader::report {

std::string escape_html(std::string_view text);

struct Range {
  double low = 0, high = 1;
  /// Widened by a fraction of itself on both sides; a flat range is opened around its value.
  Range padded(double fraction) const;
  void include(double x);
};
/// The range of the values; nothing gives [0, 1].
Range range_of(const std::vector<CurvePoint>& points);

/// Round steps of 1, 2 or 5 · 10ⁿ inside the range, about `about` of them.
std::vector<double> nice_ticks(Range range, int about);
struct TimeTick {
  std::int64_t ts_ms = 0;
  std::string label;
};
/// Whole hours, days, months or years inside the range, at most eight.
std::vector<TimeTick> time_ticks(Range range_ms);

enum class ValueFormat : std::uint8_t { Number, Percent, R };
/// With the decimals that tell values `step` apart.
std::string axis_text(double value, double step, ValueFormat format);

struct ChartStyle {
  std::string label;  // what a screen reader says
  int height_px = 260;
  ValueFormat y = ValueFormat::Number;
  enum class XAxis : std::uint8_t { Time, R, None } x = XAxis::Time;
  std::string x_title;
};

struct SvgLine {
  std::string css_class;
  std::string name;  // in the hover box; empty: not hovered
};

class SvgChart {
 public:
  SvgChart(ChartStyle style, Range x, Range y);

  void line(const std::vector<CurvePoint>& points, const SvgLine& style);
  /// Filled between the points and y = base.
  void area(const std::vector<CurvePoint>& points, double base, const SvgLine& style);
  void bar(Range x, Range y, std::string_view css_class, std::string_view title);
  struct Dot {
    double x = 0, y = 0;
    std::string css_class;
    std::string title;
  };
  void dot(const Dot& dot);
  /// A triangle that points up or down.
  void marker(const Dot& dot, bool up);
  void segment(CurvePoint from, CurvePoint to, std::string_view css_class);
  void horizontal(double y, std::string_view css_class);
  void vertical(double x, std::string_view css_class);

  std::string html() const;

 private:
  double px(double x) const;  // 0..2000
  double py(double y) const;  // 0..1000, downwards
  void path(const std::vector<CurvePoint>& points);
  std::string grid() const;
  std::string labels() const;

  ChartStyle style_;
  Range x_, y_;
  std::string shapes_;   // in the stretched coordinate system
  std::string symbols_;  // placed in percent, not stretched
};

}  // namespace qtrader::report
