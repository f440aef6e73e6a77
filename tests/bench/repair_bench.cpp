// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What a repair costs per packet, beside plain forwarding and beside the kernel's own seg6, what it costs by the number
// of prefixes and routes, and how long it takes from a lowered state to the backup.
//
// Everything that is compared lives at the same time, each in a lab of its own, and takes turns on one core.
#include <chrono>
#include <cstdio>
#include <future>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "tests/bench/bpf_cost.hpp"
#include "tests/bench/contender.hpp"
#include "tests/bench/core_time.hpp"
#include "tests/bench/protected_set.hpp"
#include "tests/bench/report.hpp"
#include "topo/wait.hpp"

namespace sidestep::bench {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

/// How often, how long, how many.
struct Effort {
    int rounds;
    milliseconds lap;
    int way_rounds;  ///< of ways of forwarding: they differ by percents, and many short laps say more than a few long
    milliseconds way_lap;
    milliseconds tcp_lap;
    int flips;  ///< per round
    std::size_t routes;
    bool million;  ///< protected prefixes, too
};

constexpr Effort kFull{11, 500ms, 61, 60ms, 1000ms, 20, 1'000'000, true};
constexpr Effort kQuick{7, 40ms, 9, 40ms, 200ms, 20, 100'000, false};

constexpr std::size_t kFew = 1000;
constexpr std::size_t kMany = 100'000;
constexpr std::size_t kMost = 1'000'000;
constexpr milliseconds kReadingPatience = 5min;  ///< of a configuration with very many prefixes

const topo::Clock::time_point kStart = topo::Clock::now();

void progress(const std::string& text) {
    const auto elapsed = std::chrono::duration<double>(topo::Clock::now() - kStart).count();
    fmt::print(stderr, "bench_repair: {:6.1f} s  {}\n", elapsed, text);
}

class Repair {
  public:
    explicit Repair(const Effort& effort) : effort_(effort) {}

    std::vector<Row> run() {
        progress("setting up plain forwarding, repairs and seg6");
        set_up_small();
        set_up_tcp();
        set_up_large();
        keep_off_measured_core();
        progress("flipping");
        flip_all();
        progress("plain forwarding by many routes");
        race({&one_route_.unbroken, &all_routes_.unbroken, &one_route_v4_.unbroken, &all_routes_v4_.unbroken},
             effort_.rounds, [](int) {});
        progress("cutting the link");
        for (auto* contender : {&one_route_, &all_routes_, &one_route_v4_, &all_routes_v4_, &few_, &many_})
            contender->attempt([&] { contender->rig->fail_link(); });
        race(by_number(), effort_.rounds, [&](int round) { report_round("numbers: round", round, effort_.rounds); });
        race(by_way(), effort_.way_rounds, [&](int round) { report_round("ways: round", round, effort_.way_rounds); });
        return rows();
    }

  private:
    // --- what there is

    void set_up_small() {
        const std::vector v6{*Address::parse("2001:db8:d::1")};
        const std::vector v4{*Address::parse("10.13.0.1")};
        const std::vector v6_prefix{*Prefix::parse("2001:db8:d::/48")};
        const std::vector v4_prefix{*Prefix::parse("10.13.0.0/16")};
        const auto lap = effort_.way_lap;
        plain_.set_up([&](Rig&) { plain_.sends(Way::plain, lap, v6); });
        idle_program_.set_up([&](Rig& rig) {
            must(rig.arrivals().attach_idle_program(rig.lab()));
            idle_program_.sends(Way::plain, lap, v6);
        });
        plain_v4_.set_up([&](Rig&) { plain_v4_.sends(Way::plain, lap, v4); });
        healthy_.set_up([&](Rig& rig) {
            rig.protect(one_policy(rig.lab(), v6_prefix));
            healthy_.sends(Way::plain, lap, v6);
            healthy_.flips_to(0);
        });
        rerouting_.set_up([&](Rig& rig) {
            rig.protect(one_policy(rig.lab(), v6_prefix));
            rig.fail_link();
            rerouting_.sends(Way::repaired, lap, v6);
        });
        rerouting_v4_.set_up([&](Rig& rig) {
            rig.protect(one_policy(rig.lab(), v4_prefix));
            rig.fail_link();
            rerouting_v4_.sends(Way::repaired, lap, v4);
        });
        xdp_plain_.set_up([&](Rig& rig) {
            rig.take_frames();
            xdp_plain_.sends(Way::plain, lap, v6);
        });
        xdp_healthy_.set_up([&](Rig& rig) {
            rig.take_frames();
            rig.protect(one_policy_at_xdp(rig.lab(), v6_prefix));
            rig.expect_xdp();
            xdp_healthy_.sends(Way::plain, lap, v6);
        });
        xdp_rerouting_.set_up([&](Rig& rig) {
            rig.take_frames();
            rig.protect(one_policy_at_xdp(rig.lab(), v6_prefix));
            rig.expect_xdp();
            rig.fail_link();
            xdp_rerouting_.sends(Way::repaired, lap, v6);
        });
        for (auto* native : {&native_, &native_tunsrc_}) {
            native->set_up([&](Rig& rig) {
                steer_by_seg6(rig, "A");
                if (native == &native_tunsrc_) set_seg6_source(rig, "A");
                native->sends(Way::repaired, lap, v6);
            });
        }
    }

    void set_up_tcp() {
        plain_tcp_.set_up([&](Rig&) { plain_tcp_.streams(effort_.tcp_lap); });
        native_tcp_.set_up([&](Rig& rig) {
            steer_by_seg6(rig, "S");
            native_tcp_.streams(effort_.tcp_lap);
        });
        sr0_tcp_.set_up([&](Rig& rig) {
            rig.protect(policy_device(rig.lab()), "S");
            sr0_tcp_.streams(effort_.tcp_lap);
        });
    }

    /// Labs are made one after the other, what takes long is done side by side.
    void set_up_large() {
        for (auto* contender : {&one_route_, &all_routes_, &one_route_v4_, &all_routes_v4_, &few_, &many_, &most_})
            contender->set_up([](Rig&) {});
        progress(fmt::format("setting up {} routes, and many policies", effort_.routes));
        const auto routes = std::async(std::launch::async, [&] { set_up_routes(); });
        set_up_policies();
        routes.wait();
    }

    /// Two of a family send to the same destinations; only the FIB differs.
    void set_up_routes() {
        const auto set_up = [&](Contender& contender, const std::vector<Prefix>& prefixes, bool one) {
            std::vector<std::string> routes;
            for (const auto& prefix : prefixes) routes.push_back(prefix.to_string());
            if (one) routes = {random_space(), random_space_v4()};
            contender.set_up([&](Rig& rig) {
                add_routes(rig, routes);
                rig.protect(bypass_only(rig.lab()));
                contender.sends(Way::repaired, effort_.lap, destinations_in(prefixes, prefixes.size()));
            });
        };
        for (const bool one : {true, false}) {
            set_up(one ? one_route_ : all_routes_, random_prefixes(effort_.routes), one);
            set_up(one ? one_route_v4_ : all_routes_v4_, random_prefixes_v4(effort_.routes), one);
        }
    }

    /// Healthy to begin with: they flip before they are cut.
    void set_up_policies() {
        const auto set_up = [&](Contender& contender, std::size_t count, auto config) {
            contender.set_up([&](Rig& rig) {
                const auto prefixes = random_prefixes(count);
                add_routes(rig, {random_space()});
                contender.start_s = rig.protect(config(rig.lab(), prefixes), "A", kReadingPatience);
                progress(fmt::format("{}: sidestepd was up after {:.1f} s", contender.racer.name, contender.start_s));
                const bool races = count <= kMany;
                const auto last = destinations_in({prefixes.back()}, 1);
                contender.sends(Way::repaired, effort_.lap, races ? destinations_in(prefixes, kMany) : last);
                contender.flips_to(races ? count - 1 : 0);
            });
        };
        set_up(few_, kFew, own_policies);
        set_up(many_, kMany, own_policies);
        if (effort_.million) set_up(most_, kMost, one_policy);
    }

    // --- what is done with it

    static void report_round(const char* what, int round, int rounds) {
        if (rounds <= 20 || round % 10 == 0)
            progress(fmt::format("{} {} of {}{}", what, round, rounds, round == 0 ? ", not counted" : ""));
    }

    /// What is compared takes turns close to one another: a shared machine is faster at one moment than at the next.
    std::vector<Racer*> by_number() {
        std::vector<Racer*> racers{&native_tcp_.racer, &sr0_tcp_.racer, &plain_tcp_.racer};
        for (auto* contender : {&one_route_, &all_routes_, &one_route_v4_, &all_routes_v4_, &few_, &many_})
            racers.push_back(&contender->racer);
        return racers;
    }

    std::vector<Racer*> by_way() {
        std::vector<Racer*> racers;
        const std::vector small{&idle_program_, &healthy_,       &plain_,        &rerouting_,
                                &native_,       &native_tunsrc_, &plain_v4_,     &rerouting_v4_,
                                &xdp_healthy_,  &xdp_plain_,     &xdp_rerouting_};
        for (auto* contender : small) racers.push_back(&contender->racer);
        for (auto* contender : small) racers.push_back(&contender->bursts);
        return racers;
    }

    [[nodiscard]] std::vector<Contender*> flippers() {
        std::vector<Contender*> list{&healthy_, &few_, &many_};
        if (effort_.million) list.push_back(&most_);
        return list;
    }

    void flip_all() {
        for (int round = 0; round < effort_.rounds; ++round) {
            for (auto* contender : flippers()) flip(*contender);
        }
    }

    void flip(Contender& contender) const {
        if (!contender.flip_flaw.empty()) return;
        try {
            const auto times = contender.flips->run(effort_.flips);
            contender.flip_us.insert(contender.flip_us.end(), times.begin(), times.end());
        } catch (const std::exception& error) {
            contender.flip_flaw = error.what();
        }
    }

    // --- what came of it

    std::vector<Row> rows() {
        auto healthy = row("healthy_vs_empty", healthy_, idle_program_, 0.995);
        healthy.versus["plain"] = compare("", healthy_.racer, plain_.racer, 0).value;
        auto native = row("rerouting_vs_native", rerouting_, native_, 1.6);
        native.versus["with_tunsrc"] = compare("", rerouting_.racer, native_tunsrc_.racer, 0).value;
        auto tcp = row("tcp_sr0_vs_plain", sr0_tcp_, plain_tcp_, 0.93);
        tcp.versus["native"] = compare("", sr0_tcp_.racer, native_tcp_.racer, 0).value;
        auto policies = row("policy_100k_vs_1k", many_, few_, 0.85);
        policies.versus["start_s"] = rounded(many_.start_s);
        auto xdp_healthy = row("xdp_healthy_vs_plain", xdp_healthy_, xdp_plain_, 0);
        xdp_healthy.least.reset();
        auto xdp_rerouting = row("xdp_rerouting_vs_plain", xdp_rerouting_, xdp_plain_, 0);
        xdp_rerouting.least.reset();
        auto fib_v6 = fib_row("fib_1m_vs_plain_ipv6", all_routes_, one_route_);
        fib_v6.least.reset();
        std::vector<Row> rows{healthy,
                              row("rerouting_vs_plain", rerouting_, plain_, 0.95),
                              compare("rerouting_bursts_vs_plain", rerouting_.bursts, plain_.bursts, 0.9),
                              native,
                              row("rerouting_v4_vs_plain", rerouting_v4_, plain_v4_, 0.90),
                              tcp,
                              fib_row("fib_1m_vs_plain", all_routes_v4_, one_route_v4_),
                              fib_v6,
                              policies,
                              prefix_bytes(),
                              xdp_healthy,
                              xdp_rerouting,
                              compare("xdp_rerouting_bursts_vs_plain", xdp_rerouting_.bursts, xdp_plain_.bursts, 1.1)};
        const auto first_flip = flip_row("flip_us_1", healthy_);
        rows.insert(rows.end(), {first_flip, flip_row("flip_us_1k", few_), flip_row("flip_us_100k", many_)});
        if (effort_.million) rows.push_back(flip_row("flip_us_1m", most_));
        rows.back().bar = rounded(1.2 * first_flip.value);
        return rows;
    }

    static Row row(const std::string& key, const Contender& ours, const Contender& theirs, double least) {
        return compare(key, ours.racer, theirs.racer, least);
    }

    /// What many routes cost a repair, against what they cost plain forwarding.
    Row fib_row(const std::string& key, const Contender& many, const Contender& one) const {
        auto row = compare(key, many.racer, one.racer, 0.97);
        const auto plain = compare("", many.unbroken, one.unbroken, 0).value;
        row.versus["repairing"] = rounded(row.value);
        row.versus["plain"] = plain;
        row.versus["routes"] = effort_.routes;
        row.value = rounded(row.value / plain);
        return row;
    }

    static Row flip_row(const std::string& key, const Contender& contender) {
        if (contender.flip_us.empty()) return not_measured(key, "us", contender.flip_flaw);
        Row row{.key = key, .value = quantile(contender.flip_us, 0.5), .unit = "us", .n = contender.flip_us.size()};
        row.versus["p99"] = quantile(contender.flip_us, 0.99);
        return row;
    }

    Row prefix_bytes() {
        auto row = not_measured("prefix_bytes", "bytes", many_.racer.flaw);
        row.bar = 170;
        if (!row.flaw.empty()) return row;
        const auto interface = many_.rig->lab().interface("A", "S-A").name;
        std::uint64_t sum = 0;
        for (const auto* map : {"ss_prefixes", "ss_filters"}) {
            const auto bytes = map_bytes(many_.rig->lab(), "A", interface, map);
            if (!bytes) {
                row.flaw = bytes.error().message;
                return row;
            }
            sum += *bytes;
        }
        row.value = rounded(static_cast<double>(sum) / static_cast<double>(kMany));
        row.n = kMany;
        return row;
    }

    const Effort& effort_;
    Contender plain_{"plain"};
    Contender idle_program_{"idle_program"};
    Contender healthy_{"healthy"};
    Contender rerouting_{"rerouting"};
    Contender native_{"native"};
    Contender native_tunsrc_{"native_tunsrc"};
    Contender plain_v4_{"plain_v4"};
    Contender rerouting_v4_{"rerouting_v4"};
    Contender xdp_plain_{"plain"};
    Contender xdp_healthy_{"healthy"};
    Contender xdp_rerouting_{"rerouting"};
    Contender plain_tcp_{"plain", "gbps"};
    Contender native_tcp_{"native", "gbps"};
    Contender sr0_tcp_{"sr0", "gbps"};
    Contender one_route_{"one_route"};
    Contender all_routes_{"all_routes"};
    Contender one_route_v4_{"one_route_v4"};
    Contender all_routes_v4_{"all_routes_v4"};
    Contender few_{"policies_1k"};
    Contender many_{"policies_100k"};
    Contender most_{"prefixes_1m"};
};

}  // namespace
}  // namespace sidestep::bench

int main(int argc, char** argv) {
    using namespace sidestep::bench;
    return run_bench(
        "repair", argc, argv, [](const Arguments& arguments) { return Repair(arguments.quick ? kQuick : kFull).run(); },
        Missed::fails);
}
