// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/core/upkeep.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace sidestep {

Finding find_program(std::string thing, const SeenPrograms& seen, std::uint32_t ours) {
    const auto place = std::ranges::find(seen.all, ours, &SeenPrograms::One::id);
    if (place == seen.all.end()) return {.thing = std::move(thing), .fault = "is gone"};
    if (place == seen.all.begin()) return {.thing = std::move(thing), .fault = {}};
    const auto& first = seen.all.front();
    return {.thing = std::move(thing),
            .fault = fmt::format("{}{} runs before it: packets that it takes, drops or accepts are not seen",
                                 first.name, first.id == 0 ? "" : fmt::format(" (program {})", first.id)),
            .mendable = false};
}

ClockPace pace_of(const SeenClock& seen) {
    constexpr std::uint64_t kFew = 50;     // expected: fewer say nothing
    constexpr std::uint64_t kFactor = 3;   // a late tick is followed by one at once, not more
    constexpr std::uint64_t kSlack = 100;  // ticks
    if (seen.tick.count() <= 0) return ClockPace::right;
    const auto expected = static_cast<std::uint64_t>(seen.elapsed / seen.tick);
    if (seen.ticks > kFactor * expected + kSlack) return ClockPace::fast;
    const bool slow = expected >= kFew && seen.ticks > 0 && seen.ticks * 2 * kFactor < expected;
    return slow ? ClockPace::slow : ClockPace::right;
}

std::vector<std::string> Upkeep::plan(const std::vector<Finding>& found, Nanoseconds now) {
    std::vector<std::string> due;
    std::map<std::string, Care> present;
    for (const auto& finding : found) {
        const auto known = cares_.find(finding.thing);
        if (known == cares_.end() && finding.fault.empty()) continue;
        auto care = known == cares_.end() ? Care{} : std::move(known->second);
        care.fault = finding.fault;
        if (care.fault.empty()) care.error.clear();
        const bool faulty = !care.fault.empty();
        if (faulty && finding.mendable && attempt(care, now)) due.push_back(finding.thing);
        if (faulty || !is_over(care, now)) present.emplace(finding.thing, std::move(care));
    }
    cares_ = std::move(present);
    return due;
}

/// Whether it is time; if so, it counts as done.
bool Upkeep::attempt(Care& care, Nanoseconds now) {
    if (now < care.next) return false;
    while (!care.mended.empty() && now - care.mended.front() > kWindow) care.mended.pop_front();
    care.mended.push_back(now);
    if (care.mended.size() > kOften) care.alarm = true;
    if (care.alarm) care.pause = std::min(2 * care.pause, kLongestPause);
    care.last = care.fault;
    care.touched = now;
    care.next = now + care.pause;
    return true;
}

bool Upkeep::is_over(const Care& care, Nanoseconds now) {
    return now - care.touched > (care.alarm ? kCalm : kWindow);
}

void Upkeep::note(const std::string& thing, const std::optional<std::string>& error) {
    const auto care = cares_.find(thing);
    if (care == cares_.end()) return;
    care->second.error = error.value_or("");
    if (!error) care->second.fault.clear();
}

bool Upkeep::alarmed(const std::string& thing) const {
    const auto care = cares_.find(thing);
    return care != cares_.end() && care->second.alarm;
}

ProblemTexts Upkeep::problems() const {
    ProblemTexts all;
    for (const auto& [thing, care] : cares_) {
        std::string text = care.fault;
        if (!care.error.empty()) {
            text += fmt::format("; {}", care.error);
        } else if (text.empty()) {
            text = fmt::format("{}: restored", care.last);
        }
        if (care.alarm)
            text += fmt::format("; that happens again and again, so it is restored every {} only",
                                format_duration(care.pause));
        all.emplace(thing, std::move(text));
    }
    return all;
}

}  // namespace sidestep
