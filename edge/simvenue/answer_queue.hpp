// AnswerQueue: what the simulated venue has said and the core has not heard yet, by (due, order of saying).
#pragma once

#include <algorithm>
#include <deque>
#include <optional>

#include "core/domain/events.hpp"

namespace qtrader::simvenue {

struct TimedEvent {
  base::Timestamp due;  // when the core receives it
  domain::Event event;

  template <class Archive>
  void archive(Archive& a) {
    a(due, event);
  }
};

class AnswerQueue {
 public:
  /// Almost always at the end: answers are made in market time and latency is constant.
  void push(TimedEvent answer) {
    auto at = answers_.end();
    while (at != answers_.begin() && std::prev(at)->due > answer.due) --at;
    answers_.insert(at, std::move(answer));
  }
  bool empty() const { return answers_.empty(); }
  const TimedEvent& front() const { return answers_.front(); }
  TimedEvent pop() {
    TimedEvent out = std::move(answers_.front());
    answers_.pop_front();
    return out;
  }

  template <class Archive>
  void archive(Archive& a) {
    a(answers_);
  }

 private:
  std::deque<TimedEvent> answers_;
};

}  // namespace qtrader::simvenue
