// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "topo/demo_report.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace sidestep::topo {
namespace {

using nlohmann::json;

constexpr std::array<const char*, 2> kDirections{"S -> D", "D -> S"};
constexpr std::array<const char*, 2> kRouters{"A", "B"};
constexpr std::array<const char*, 2> kKeys{"forward", "backward"};

double to_ms(std::int64_t ns) {
    return static_cast<double>(ns) / 1e6;
}

/// Milliseconds from `zero_ns`; none if it did not happen.
std::optional<double> since(std::int64_t zero_ns, std::optional<std::int64_t> time_ns) {
    return time_ns ? std::optional(to_ms(*time_ns - zero_ns)) : std::nullopt;
}

std::optional<std::int64_t> rerouted_ns(const CutOfDemo& cut, std::size_t i) {
    const auto& loss = cut.directions[i].loss;
    return loss && cut.recovered(i) ? loss->end_ns : std::nullopt;
}

/// How long packets were lost in one direction; 0: not at all; none: for the rest of the run.
std::optional<double> window_ms(const CutOfDemo& cut, std::size_t i) {
    const auto& loss = cut.directions[i].loss;
    if (!loss) return 0.0;
    const auto length = loss->length_ns();
    return length ? std::optional(to_ms(*length)) : std::nullopt;
}

/// The worse direction; none if one of them never recovered.
std::optional<double> worst_ms(const CutOfDemo& cut) {
    const auto one = window_ms(cut, 0);
    const auto two = window_ms(cut, 1);
    return one && two ? std::optional(std::max(*one, *two)) : std::nullopt;
}

std::optional<double> median(std::vector<double> values) {
    if (values.empty()) return std::nullopt;
    std::ranges::sort(values);
    const auto middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::optional<double> median_of(const Phase& phase, std::size_t direction) {
    std::vector<double> windows;
    for (const auto& cut : phase.cuts) {
        if (const auto window = window_ms(cut, direction)) windows.push_back(*window);
    }
    return median(std::move(windows));
}

json or_null(std::optional<double> value) {
    return value ? json(*value) : json();
}

json json_of(const CutOfDemo& cut) {
    json result;
    result["length_ms"] = to_ms(cut.restore_ns - cut.cut_ns);
    for (std::size_t i = 0; i < 2; ++i) {
        const auto& seen = cut.directions[i];
        result[kKeys[i]] = {{"first_drop_ms", or_null(since(cut.cut_ns, seen.first_drop_ns))},
                            {"last_echo_ms", or_null(since(cut.cut_ns, seen.last_echo_ns))},
                            {"verdict_ms", or_null(since(cut.cut_ns, seen.verdict_ns))},
                            {"first_rerouted_ms", or_null(since(cut.cut_ns, rerouted_ns(cut, i)))},
                            {"session_up_after_restore_ms", or_null(since(cut.restore_ns, seen.session_up_ns))},
                            {"loss_window_ms", or_null(window_ms(cut, i))},
                            {"lost", seen.loss ? seen.loss->lost : 0},
                            {"recovered", cut.recovered(i)}};
    }
    return result;
}

json json_of(const Phase& phase) {
    json result{{"sent", phase.sent()},
                {"lost", phase.lost()},
                {"duplicates", phase.flows[0].duplicates + phase.flows[1].duplicates},
                {"reordered", phase.flows[0].reordered + phase.flows[1].reordered},
                {"longest_send_gap_ms",
                 to_ms(std::max(phase.flows[0].longest_send_gap_ns, phase.flows[1].longest_send_gap_ns))}};
    if (phase.cuts.empty()) return result;
    result["recovered"] = phase.recovered();
    result["lost_outside_cuts"] = phase.lost_outside_cuts();
    result["loss_window_ms"] = json::array();
    result["cuts"] = json::array();
    for (const auto& cut : phase.cuts) {
        result["loss_window_ms"].push_back(or_null(worst_ms(cut)));
        result["cuts"].push_back(json_of(cut));
    }
    for (std::size_t i = 0; i < 2; ++i) result["median_loss_window_ms"][kKeys[i]] = or_null(median_of(phase, i));
    return result;
}

std::string cell(std::optional<double> ms, bool sign = true) {
    if (!ms) return "-";
    return sign ? fmt::format("{:+.2f}", *ms) : fmt::format("{:.2f}", *ms);
}

void table(std::string& text, const Phase& phase) {
    const auto out = std::back_inserter(text);
    constexpr const char* kRow = "  {:>3}  {:6}  {:>2}  {:>10}  {:>9}  {:>9}  {:>9}  {:>11}  {:>11}  {:>6}\n";
    fmt::format_to(out, fmt::runtime(kRow), "cut", "flow", "at", "first drop", "last echo", "verdict", "rerouted",
                   "back up", "loss window", "lost");
    for (std::size_t number = 0; number < phase.cuts.size(); ++number) {
        const auto& cut = phase.cuts[number];
        for (std::size_t i = 0; i < 2; ++i) {
            const auto& seen = cut.directions[i];
            fmt::format_to(out, fmt::runtime(kRow), i == 0 ? std::to_string(number + 1) : "", kDirections[i],
                           kRouters[i], cell(since(cut.cut_ns, seen.first_drop_ns)),
                           cell(since(cut.cut_ns, seen.last_echo_ns)), cell(since(cut.cut_ns, seen.verdict_ns)),
                           cell(since(cut.cut_ns, rerouted_ns(cut, i))),
                           cell(since(cut.restore_ns, seen.session_up_ns)), cell(window_ms(cut, i), false),
                           seen.loss ? seen.loss->lost : 0);
        }
    }
}

/// The cut whose time without packets from S to D is in the middle; none if not all recovered.
const CutOfDemo* typical(const Phase& phase) {
    std::vector<const CutOfDemo*> cuts;
    for (const auto& cut : phase.cuts) {
        if (window_ms(cut, 0)) cuts.push_back(&cut);
    }
    if (cuts.empty()) return nullptr;
    std::ranges::sort(cuts, {}, [](const CutOfDemo* cut) { return *window_ms(*cut, 0); });
    return cuts[cuts.size() / 2];
}

std::string timeline(const Phase& phase) {
    const auto* cut = typical(phase);
    if (cut == nullptr) return {};
    const auto& seen = cut->directions[0];
    std::vector<std::pair<double, const char*>> moments{{0.0, "A-B is cut: A still has carrier, neighbor and routes"}};
    const auto add = [&](std::optional<std::int64_t> time, const char* what) {
        if (const auto ms = since(cut->cut_ns, time)) moments.emplace_back(*ms, what);
    };
    add(seen.last_echo_ns, "the last probe that came back to A");
    add(seen.first_drop_ns, "the first packet is lost");
    add(seen.verdict_ns, "A declares A-B down and reroutes, in the kernel");
    add(rerouted_ns(*cut, 0), "the first packet that arrives was sent now: it goes by C");
    add(cut->restore_ns, "A-B is mended");
    add(seen.session_up_ns, "A trusts A-B again, and traffic returns to it; nothing is lost");
    std::ranges::stable_sort(moments, {}, &std::pair<double, const char*>::first);
    std::string text = "\nOne cut as A saw it, in ms:\n";
    for (const auto& [ms, what] : moments) text += fmt::format("  {:>+9.2f}  {}\n", ms, what);
    return text;
}

std::string without_text(const Phase& without) {
    if (without.recovered() || without.cuts.empty()) return "packets came back by themselves";
    const auto& cut = without.cuts.front();
    return fmt::format("{:.0f} ms, which is how long the cut lasted", to_ms(cut.restore_ns - cut.cut_ns));
}

}  // namespace

std::string demo_json(const DemoResult& result, const DemoOptions& options) {
    const json document{{"rate_pps", options.rate},
                        {"probe", {{"interval", options.interval}, {"multiplier", options.multiplier}}},
                        {"healthy", json_of(result.healthy)},
                        {"protected", json_of(result.with_sidestep)},
                        {"unprotected", json_of(result.without_sidestep)}};
    return document.dump(2) + "\n";
}

std::string demo_text(const DemoResult& result, const DemoOptions& options) {
    std::string text;
    const auto out = std::back_inserter(text);
    fmt::format_to(
        out,
        "\n"
        "  S --- A ======= B --- D     A-B is cut silently: packets vanish, the carrier stays\n"
        "         \\       /            the detour A-C-B is an SRv6 backup path\n"
        "          `- C -'             {:.0f} packets/s each way; probes every {}, down after {} unanswered\n\n",
        options.rate, options.interval, options.multiplier);
    const auto& healthy = result.healthy;
    fmt::format_to(out, "Healthy, {:.1f} s: {} packets sent, {} lost, {} reordered\n\n",
                   static_cast<double>(options.healthy.count()) / 1e3, healthy.sent(), healthy.lost(),
                   healthy.flows[0].reordered + healthy.flows[1].reordered);

    const auto& with = result.with_sidestep;
    fmt::format_to(out, "With Sidestep, {} cuts (times in ms from the cut; \"back up\" from the restore)\n",
                   with.cuts.size());
    table(text, with);
    fmt::format_to(out, "  {} of {} packets lost, {} outside the cuts\n\n", with.lost(), with.sent(),
                   with.lost_outside_cuts());

    const auto& without = result.without_sidestep;
    fmt::format_to(out, "Without Sidestep, the same cut: {}\n",
                   without.recovered() ? "recovered" : "nothing gets through until the link is restored");
    table(text, without);
    text += timeline(with);
    fmt::format_to(out,
                   "\nTime without packets, median of {} cuts: S -> D {} ms, D -> S {} ms.\n"
                   "Without Sidestep: {}.\n\n"
                   "Try next:\n"
                   "  ./run demo --interval 250us     probe four times as often\n"
                   "  README.md, Quick start          the same by hand, with two configurations of your own\n"
                   "  ./run lab --list                failover experiments on larger networks\n"
                   "  build/release/bin/sidestep init a first configuration for this machine\n",
                   with.cuts.size(), cell(median_of(with, 0), false), cell(median_of(with, 1), false),
                   without_text(without));
    return text;
}

}  // namespace sidestep::topo
