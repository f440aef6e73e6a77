// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/stamp_rows.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "tests/bench/core_time.hpp"
#include "tests/bench/generator.h"
#include "tests/bench/must.hpp"
#include "tests/bench/race.hpp"
#include "tests/bench/rig.hpp"
#include "topo/protection.hpp"

namespace sidestep::bench {
namespace {

using namespace std::chrono_literals;

constexpr unsigned kBurst = 64;
constexpr double kMostLost = 0.01;  // of a lap

std::string reflecting(const topo::Lab& lab, bool at_xdp) {
    auto config = protection_config(lab, {.node = "A",
                                          .link = "A-B",
                                          .backup_link = "A-C",
                                          .via = {"C", "B"},
                                          .destination = "D",
                                          .wait_to_restore = "100ms"});
    config += fmt::format("stamp: {{sources: [\"::/0\"], addresses: [\"{}\"], rate: 10000000}}\n",
                          lab.address("A").to_string());
    if (at_xdp) {
        config += fmt::format("xdp: [{}, {}, {}]\nxdp-on-virtual: true\n", lab.interface("A", "S-A").name,
                              lab.interface("A", "A-B").name, lab.interface("A", "A-C").name);
    }
    return config;
}

/// One lab, and what its A does with the packets of S.
struct Contestant {
    Rig rig;
    std::optional<Generator> generator{};
    Racer racer{};
};

void keep(Racer& racer, const Rig::Lap& lap) {
    racer.sent += lap.sent;
    racer.lost += lap.lost;
    if (static_cast<double>(racer.lost) > kMostLost * static_cast<double>(racer.sent))
        throw std::runtime_error(fmt::format("{} of {} packets lost", racer.lost, racer.sent));
}

std::unique_ptr<Contestant> forwarding(std::chrono::nanoseconds lap, bool at_xdp) {
    auto result = std::make_unique<Contestant>();
    if (at_xdp) result->rig.take_frames();
    result->generator.emplace(
        must(Generator::create(result->rig.lab(), {result->rig.lab().address("D")}, {.bytes = 44})));
    result->racer = {.name = "forwarding", .unit = "kpps"};
    result->racer.lap = [one = result.get(), lap](Racer& racer) {
        const auto driven = one->rig.drive(*one->generator, Way::plain, lap, kBurst);
        keep(racer, driven);
        return driven.kpps;
    };
    return result;
}

std::unique_ptr<Contestant> answering(std::chrono::nanoseconds lap, bool at_xdp) {
    auto result = std::make_unique<Contestant>();
    auto& rig = result->rig;
    if (at_xdp) rig.take_frames();
    rig.protect(reflecting(rig.lab(), at_xdp));
    if (at_xdp) rig.expect_xdp();
    must(rig.arrivals().attach_answers(rig.lab(), at_xdp));
    result->generator.emplace(
        must(Generator::create(rig.lab(), {rig.lab().address("A")}, {.port = BENCH_STAMP_PORT, .bytes = 44})));
    result->racer = {.name = "answering", .unit = "kpps"};
    result->racer.lap = [one = result.get(), lap](Racer& racer) {
        const auto driven = one->rig.drive(*one->generator, Way::plain, lap, kBurst);
        keep(racer, driven);
        return driven.kpps;
    };
    return result;
}

Row versus(const std::string& key, bool at_xdp, double least, bool quick) {
    const auto lap = quick ? 300ms : 1000ms;
    try {
        const auto forwards = forwarding(lap, false);
        const auto answers = answering(lap, at_xdp);
        race({&forwards->racer, &answers->racer}, quick ? 5 : 15, [](int) {});
        auto row = compare(key, answers->racer, forwards->racer, least);
        for (const auto* racer : {&forwards->racer, &answers->racer}) {
            if (!racer->values.empty()) row.versus[racer->name + "_kpps"] = rounded(quantile(racer->values, 0.5));
        }
        return row;
    } catch (const std::exception& error) {
        return not_measured(key, "", error.what());
    }
}

}  // namespace

std::vector<Row> stamp_rows(bool quick) {
    keep_off_measured_core();
    return {versus("stamp_reflect_vs_forward", false, 0.9, quick),
            versus("stamp_reflect_xdp_vs_forward", true, 1.5, quick)};
}

}  // namespace sidestep::bench
