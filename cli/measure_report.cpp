// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cli/measure_report.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

#include <fmt/format.h>

namespace sidestep {
namespace {

using nlohmann::json;

/// Of one kind of time.
struct Spread {
    Nanoseconds least{}, middle{}, p90{}, p99{}, most{}, average{};
};

/// The smallest value that this share of all does not exceed (nearest rank).
Nanoseconds percentile(const std::vector<Nanoseconds>& sorted, double share) {
    const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
    return sorted.at(std::max<std::size_t>(rank, 1) - 1);
}

std::optional<Spread> spread_of(std::vector<Nanoseconds> times) {
    if (times.empty()) return std::nullopt;
    std::ranges::sort(times);
    double sum = 0;
    for (const auto time : times) sum += static_cast<double>(time.count());
    return Spread{.least = times.front(),
                  .middle = percentile(times, 0.5),
                  .p90 = percentile(times, 0.9),
                  .p99 = percentile(times, 0.99),
                  .most = times.back(),
                  .average = Nanoseconds(std::llround(sum / static_cast<double>(times.size())))};
}

/// By how much each round trip differs from that of the packet before it (RFC 3393, 4.2), if that was answered, too.
std::vector<Nanoseconds> variations_of(const std::map<std::uint32_t, MeasuredAnswer>& answers) {
    std::vector<Nanoseconds> result;
    for (auto at = answers.begin(); at != answers.end(); ++at) {
        const auto next = std::next(at);
        if (next == answers.end() || next->first != at->first + 1) continue;
        const auto difference = next->second.round_trip - at->second.round_trip;
        result.push_back(difference < Nanoseconds{} ? -difference : difference);
    }
    return result;
}

std::vector<Nanoseconds> times_of(const std::map<std::uint32_t, MeasuredAnswer>& answers,
                                  std::optional<Nanoseconds> (*time_of)(const MeasuredAnswer&)) {
    std::vector<Nanoseconds> times;
    for (const auto& [number, answer] : answers) {
        if (const auto time = time_of(answer)) times.push_back(*time);
    }
    return times;
}

struct Kind {
    const char* key;
    const char* text;
    std::optional<Spread> spread;
};

std::vector<Kind> kinds_of(const std::map<std::uint32_t, MeasuredAnswer>& answers) {
    const auto round_trip = [](const MeasuredAnswer& a) { return std::optional(a.round_trip); };
    const auto there = [](const MeasuredAnswer& a) { return a.there; };
    const auto back = [](const MeasuredAnswer& a) { return a.back; };
    return {{"round_trip_us", "round trip", spread_of(times_of(answers, round_trip))},
            {"variation_us", "delay variation", spread_of(variations_of(answers))},
            {"there_us", "one way there", spread_of(times_of(answers, there))},
            {"back_us", "one way back", spread_of(times_of(answers, back))}};
}

Nanoseconds largest_error(const std::map<std::uint32_t, MeasuredAnswer>& answers) {
    Nanoseconds most{};
    for (const auto& [number, answer] : answers) {
        if (answer.there) most = std::max(most, answer.clock_error);
    }
    return most;
}

/// One-way delays may be negative: clocks are wrong.
std::string signed_text(Nanoseconds time) {
    return time < Nanoseconds{} ? "-" + format_duration(-time) : format_duration(time);
}

double in_us(Nanoseconds time) {
    return static_cast<double>(time.count()) / 1000;
}

}  // namespace

void Measurement::note(std::uint32_t number, const MeasuredAnswer& answer) {
    if (!answers_.emplace(number, answer).second) {
        ++duplicates_;
        return;
    }
    if (newest_ && number < *newest_) ++reordered_;
    newest_ = std::max(newest_.value_or(0), number);
}

std::string Measurement::to_text() const {
    const auto lost = sent_ - answers_.size();
    auto text = fmt::format("{}: {} sent, {} answered, {} lost ({:.1f} %)", target_, sent_, answers_.size(), lost,
                            sent_ == 0 ? 0 : 100.0 * static_cast<double>(lost) / static_cast<double>(sent_));
    if (duplicates_ != 0) text += fmt::format(", {} duplicates", duplicates_);
    if (reordered_ != 0) text += fmt::format(", {} out of order", reordered_);
    text += '\n';
    for (const auto& [why, count] : unsent_) text += fmt::format("{} not sent: {}\n", count, why);
    for (const auto& [key, name, spread] : kinds_of(answers_)) {
        if (!spread) continue;
        text += fmt::format("{:<16} median {}, 90 % {}, 99 % {}, least {}, most {}, average {}\n", name,
                            signed_text(spread->middle), signed_text(spread->p90), signed_text(spread->p99),
                            signed_text(spread->least), signed_text(spread->most), signed_text(spread->average));
    }
    if (const auto error = largest_error(answers_); error != Nanoseconds{})
        text += fmt::format("{:<16} +/- {}, by what both clocks say of themselves\n", "", format_duration(error));
    return text;
}

nlohmann::json Measurement::to_json() const {
    json result{{"target", target_},           {"sent", sent_},
                {"answered", answers_.size()}, {"lost", sent_ - answers_.size()},
                {"duplicates", duplicates_},   {"out_of_order", reordered_},
                {"not_sent", json::object()}};
    for (const auto& [why, count] : unsent_) result["not_sent"][why] = count;
    for (const auto& [key, name, spread] : kinds_of(answers_)) {
        if (!spread) continue;
        result[key] = {{"least", in_us(spread->least)}, {"median", in_us(spread->middle)},
                       {"p90", in_us(spread->p90)},     {"p99", in_us(spread->p99)},
                       {"most", in_us(spread->most)},   {"average", in_us(spread->average)}};
    }
    if (const auto error = largest_error(answers_); error != Nanoseconds{}) result["clock_error_us"] = in_us(error);
    return result;
}

}  // namespace sidestep
