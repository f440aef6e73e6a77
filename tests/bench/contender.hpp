// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A way of forwarding that is compared with others: its lab, and how it is measured there.
#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "tests/bench/flips.hpp"
#include "tests/bench/must.hpp"
#include "tests/bench/race.hpp"
#include "tests/bench/rig.hpp"
#include "tests/bench/tcp_stream.hpp"

namespace sidestep::bench {

inline constexpr unsigned kBurst = 64;  ///< packets: what a driver takes from an interface at once

/// Races three times: with packets one by one, in bursts, as a busy interface has them, and before its link fails.
struct Contender {
    explicit Contender(const std::string& name, const std::string& unit = "kpps")
        : racer{.name = name, .unit = unit}, bursts{.name = name, .unit = unit}, unbroken{.name = name, .unit = unit} {}

    Racer racer;
    Racer bursts;
    Racer unbroken;  ///< plain forwarding, before the link fails
    std::optional<Rig> rig;
    std::optional<Generator> generator;
    std::optional<Flips> flips;
    std::vector<double> flip_us;
    std::string flip_flaw;
    double start_s = 0;  ///< until sidestepd was up

    /// Does what may fail, and makes it the racers' flaw if it does.
    template <typename Work>
    void attempt(Work work) {
        if (!racer.flaw.empty()) return;
        try {
            work();
        } catch (const std::exception& error) {
            racer.flaw = bursts.flaw = unbroken.flaw = flip_flaw = error.what();
        }
    }

    /// Fills its lab, and makes it first unless it is there.
    template <typename Build>
    void set_up(Build build) {
        attempt([&] {
            if (!rig) rig.emplace();
            build(*rig);
        });
    }

    void sends(Way way, std::chrono::milliseconds length, const std::vector<Address>& destinations) {
        generator = must(Generator::create(rig->lab(), destinations));
        const auto lap_of = [this, length](Way taken, unsigned burst) {
            return [this, taken, length, burst](Racer& self) {
                const auto lap = rig->drive(*generator, taken, length, burst);
                self.sent += lap.sent;
                self.lost += lap.lost;
                return lap.kpps;
            };
        };
        racer.lap = lap_of(way, 1);
        bursts.lap = lap_of(way, kBurst);
        unbroken.lap = lap_of(Way::plain, 1);
    }

    void streams(std::chrono::milliseconds length) {
        racer.lap = [this, length](Racer&) { return must(tcp_gbps(rig->lab(), length)); };
    }

    /// Packets to this one of the destinations are what is watched.
    void flips_to(std::size_t destination) { flips.emplace(*rig, *generator, destination); }
};

}  // namespace sidestep::bench
