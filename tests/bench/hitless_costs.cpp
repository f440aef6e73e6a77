// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What two copies of every packet cost.
#include <linux/if_ether.h>

#include <bpf/bpf.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <functional>
#include <optional>

#include "bpf/abi/sidestep.h"
#include "tests/bench/arrivals.hpp"
#include "tests/bench/bpf_cost.hpp"
#include "tests/bench/contender.hpp"
#include "tests/bench/core_time.hpp"
#include "tests/bench/generator.hpp"
#include "tests/bench/hitless_rig.hpp"
#include "tests/bench/hitless_rows.hpp"
#include "tests/bench/must.hpp"
#include "tests/bench/race.hpp"
#include "tests/bench/tcp_stream.hpp"
#include "topo/wait.hpp"

namespace sidestep::bench {
namespace {

using namespace std::chrono_literals;

constexpr unsigned kMostFlows = SS_MAX_FLOWS - 1;
constexpr double kMiB = 1024.0 * 1024.0;
constexpr int kAttempts = 3;
constexpr std::uint8_t kIpv6Inside = 41;
constexpr std::uint8_t kNothing = 59;  // behind the IPv6 header

/// All routers on one core, from S to D. Probes are rare: a link that polls stays for a while with the core that first
/// sent something into it.
class Chain {
  public:
    Chain(const std::string& name, Sending sending, std::chrono::milliseconds lap, bool xdp = false)
        : racer{.name = name, .unit = "kpps"},
          rig_({.sending = sending, .xdp = xdp, .probes = "100ms"}),
          arrivals_(must(Arrivals::attach_at_end(rig_.lab()))),
          generator_(must(Generator::create(rig_.lab(), {*Address::parse("2001:db8:d::1")}))) {
        racer.lap = [this, lap](Racer& self) { return drive(self, lap); };
    }

    Racer racer;
    [[nodiscard]] const HitlessRig& rig() const { return rig_; }

  private:
    /// Again where much was lost: then another core, busy with something else, has polled a link.
    double drive(Racer& self, std::chrono::milliseconds lap) {
        for (int attempt = 1;; ++attempt) {
            const auto before = arrivals_.arrived(Way::plain);
            const auto sent = must(generator_.run(lap, kBurst));
            std::uint64_t arrived = 0;
            topo::wait_for(200ms, [&] {
                arrived = arrivals_.arrived(Way::plain) - before;
                return arrived >= sent.packets;
            });
            const auto lost = sent.packets - std::min(arrived, sent.packets);
            if (attempt < kAttempts && lost > sent.packets / 1000) continue;
            self.sent += sent.packets;
            self.lost += lost;
            return 1e-3 * static_cast<double>(arrived) / sent.seconds;
        }
    }

    HitlessRig rig_;
    Arrivals arrivals_;
    Generator generator_;
};

/// A copy of the spare flow, as it comes to B.
std::vector<std::uint8_t> spare_copy(const HitlessRig& rig) {
    std::vector<std::uint8_t> bytes(14 + 40 + 40 + 40);
    bytes[12] = ETH_P_IPV6 >> 8U;
    bytes[13] = ETH_P_IPV6 & 0xffU;
    for (const std::size_t header : {14U, 54U}) {
        auto* const ip = &bytes.at(header);
        ip[0] = 0x60;
        ip[5] = static_cast<std::uint8_t>(bytes.size() - header - 40);
        ip[6] = header == 14U ? kIpv6Inside : kNothing;
        ip[7] = 64;
    }
    std::ranges::copy(rig.lab().address("A").bytes, &bytes.at(14 + 8));
    std::ranges::copy(rig.merging().bytes, &bytes.at(14 + 24));
    bytes.at(14 + 24 + 9) = HitlessRig::kSpareFlow;
    bytes.at(14 + 24 + 15) = 1;
    std::ranges::copy(rig.lab().address("S").bytes, &bytes.at(54 + 8));
    std::ranges::copy(rig.lab().address("D").bytes, &bytes.at(54 + 24));
    return bytes;
}

/// Runs B's program at ingress on one copy, again and again: all but the first are later ones.
void run_copies(const HitlessRig& rig, int program, int repeat) {
    const auto copy = spare_copy(rig);
    __sk_buff context{};
    context.ifindex = static_cast<std::uint32_t>(rig.lab().interface("B", "south").ifindex);
    context.ingress_ifindex = context.ifindex;
    bpf_test_run_opts options{};
    options.sz = sizeof options;
    options.data_in = copy.data();
    options.data_size_in = static_cast<std::uint32_t>(copy.size());
    options.ctx_in = &context;
    options.ctx_size_in = sizeof context;
    options.repeat = repeat;
    const auto error = rig.lab().in("B", [&] { return bpf_prog_test_run_opts(program, &options); });
    if (error != 0) throw std::runtime_error("cannot run B's program at ingress");
}

/// By the kernel's own count of run time (bpf_stats).
Row measure_elimination(const HitlessRig& rig, bool quick) {
    const int repeat = quick ? 200'000 : 2'000'000;
    const auto interface = rig.lab().interface("B", "south").name;
    const auto program = must(ingress_program(rig.lab(), "B", interface));
    run_copies(rig, program.get(), 1);
    const auto cost = must(BpfCost::open(rig.lab(), "B", interface));
    run_copies(rig, program.get(), repeat);
    const auto spent = must(cost.read()).back();
    return {.key = "eliminate_ns",
            .value = rounded(static_cast<double>(spent.run_ns) / static_cast<double>(spent.runs)),
            .unit = "ns",
            .n = spent.runs,
            .bar = 150};
}

std::vector<Row> measure_chain(bool quick) {
    Chain plain("plain", Sending::plain, 60ms);
    Chain single("single", Sending::single, 60ms);
    Chain twice("twice", Sending::twice, 60ms);
    keep_off_measured_core();
    race({&plain.racer, &twice.racer, &single.racer}, quick ? 15 : 61, [](int) {});
    auto row = compare("chain_vs_plain", twice.racer, plain.racer, 0.6);
    row.versus["single"] = compare("", single.racer, plain.racer, 0).value;
    return {row, measure_elimination(twice.rig(), quick)};
}

/// At XDP, beside plain forwarding over links that poll, too.
std::vector<Row> measure_chain_at_xdp(bool quick) {
    Chain plain("plain", Sending::plain, 60ms, true);
    Chain twice("twice", Sending::twice, 60ms, true);
    keep_off_measured_core();
    race({&plain.racer, &twice.racer}, quick ? 15 : 61, [](int) {});
    return {compare("xdp_chain_vs_plain", twice.racer, plain.racer, 0.6)};
}

std::vector<Row> measure_memory() {
    const HitlessRig rig({.flows = kMostFlows});
    const auto interface = rig.lab().interface("B", "north").name;
    const auto bytes = static_cast<double>(must(map_bytes(rig.lab(), "B", interface, "ss_merges")));
    return {{.key = "flows", .value = rounded(bytes / kMiB), .unit = "MiB", .n = kMostFlows, .bar = 64}};
}

std::vector<Row> measure_tcp(bool quick) {
    HitlessRig single({.sending = Sending::single, .from = From::head});
    HitlessRig twice({.from = From::head});
    const HitlessRig whole({.sending = Sending::single, .from = From::head});
    single.send_as_nics();
    twice.send_as_nics();
    const auto racer = [&](const HitlessRig& rig, const std::string& name) {
        return Racer{.name = name, .unit = "gbps", .lap = [&rig, quick](Racer&) {
                         return must(tcp_gbps(rig.lab(), quick ? 200ms : 1000ms, "A"));
                     }};
    };
    auto ours = racer(twice, "twice");
    auto theirs = racer(single, "single");
    auto unsplit = racer(whole, "whole");
    race({&ours, &theirs, &unsplit}, quick ? 5 : 11, [](int) {});
    auto row = compare("tcp_gbps_vs_single", ours, theirs, 0.4);
    row.versus["unsplit"] = compare("", ours, unsplit, 0).value;
    return {row};
}

}  // namespace

std::vector<Row> measure_costs(bool quick) {
    std::vector<Row> rows;
    const auto add = [&](const std::string& key, const std::function<std::vector<Row>()>& measure) {
        try {
            for (const auto& row : measure()) rows.push_back(row);
        } catch (const std::exception& error) {
            rows.push_back(not_measured(key, "", error.what()));
        }
    };
    add("chain_vs_plain", [&] { return measure_chain(quick); });
    add("xdp_chain_vs_plain", [&] { return measure_chain_at_xdp(quick); });
    add("flows", measure_memory);
    add("tcp_gbps_vs_single", [&] { return measure_tcp(quick); });
    return rows;
}

}  // namespace sidestep::bench
