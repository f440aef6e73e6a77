// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/bench/generator.hpp"

#include <linux/if_link.h>
#include <net/if.h>
#include <sys/mman.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <span>

#include "detector/kernel/shared_array.hpp"
#include "tests/bench/core_time.hpp"
#include "tests/bench/generator.h"
#include "tests/bench/generator.skel.h"
#include "topo/wait.hpp"

namespace sidestep::bench {
namespace {

constexpr const char* kLink = "S-A";
constexpr std::size_t kHeaders = 62;  // Ethernet, IPv6, UDP
constexpr int kRepeat = 8192;         // packets per system call
constexpr double kLeastCounted = 0.5;
constexpr int kEthernet = 14;

struct DestroySkeleton {
    void operator()(generator_bpf* skeleton) const { generator_bpf::destroy(skeleton); }
};

void put16(std::uint8_t* at, std::size_t value) {
    at[0] = static_cast<std::uint8_t>(value >> 8U);
    at[1] = static_cast<std::uint8_t>(value);
}

void put_mac(std::uint8_t* at, const std::string& mac) {
    std::array<unsigned, 6> bytes{};
    auto& [a, b, c, d, e, f] = bytes;
    std::sscanf(mac.c_str(), "%x:%x:%x:%x:%x:%x", &a, &b, &c, &d, &e, &f);
    std::ranges::transform(bytes, at, [](unsigned byte) { return static_cast<std::uint8_t>(byte); });
}

void put_udp(std::uint8_t* udp, std::uint16_t port, std::size_t length) {
    put16(udp, 40'000);
    put16(udp + 2, port);
    put16(udp + 4, length);  // no checksum: nobody looks
}

void write_ipv6(bench_packet& packet, const Address& source, const Generator::Datagrams& datagrams) {
    auto* const ip = packet.header + kEthernet;
    ip[0] = 0x60;
    put16(ip + 4, 8 + datagrams.bytes);
    ip[6] = IPPROTO_UDP;
    ip[7] = 64;
    std::ranges::copy(source.bytes, ip + 8);
    put_udp(ip + 40, datagrams.port, 8 + datagrams.bytes);
}

void write_ipv4(bench_packet& packet, const Generator::Datagrams& datagrams) {
    auto* const ip = packet.header + kEthernet;
    ip[0] = 0x45;
    put16(ip + 2, kHeaders - kEthernet + datagrams.bytes);
    put16(ip + 6, 0x4000);  // do not fragment
    ip[8] = 64;
    ip[9] = IPPROTO_UDP;
    const std::array<std::uint8_t, 4> source{10, 5, 0, 1};
    std::ranges::copy(source, ip + 12);
    put_udp(ip + 20, datagrams.port, kHeaders - kEthernet - 20 + datagrams.bytes);
    for (int i = 0; i < 16; i += 2) {  // in memory order, as the program adds
        std::uint16_t word = 0;
        std::memcpy(&word, ip + i, sizeof word);
        packet.checksum += word;
    }
}

bench_packet make_packet(const topo::Lab& lab, bool ipv4, std::size_t destinations,
                         const Generator::Datagrams& datagrams) {
    const auto& own = lab.interface("S", kLink);
    bench_packet packet{};
    packet.ifindex = static_cast<std::uint32_t>(own.ifindex);
    packet.destinations = static_cast<std::uint32_t>(destinations);
    packet.ipv4 = ipv4 ? 1 : 0;
    put_mac(packet.header, lab.peer("S", kLink).mac);
    put_mac(packet.header + 6, own.mac);
    put16(packet.header + 12, ipv4 ? 0x0800 : 0x86dd);
    if (ipv4) {
        write_ipv4(packet, datagrams);
    } else {
        write_ipv6(packet, lab.address("S"), datagrams);
    }
    return packet;
}

/// The kernel jumps to the XDP programs that are in use directly, and waits a grace period of RCU, tens of
/// milliseconds, for each change of them. Attached where nothing arrives, ours stays one of them between runs.
Result<void> keep_dispatched(int program) {
    const int error = bpf_xdp_attach(static_cast<int>(::if_nametoindex("lo")), program, XDP_FLAGS_SKB_MODE, nullptr);
    return error == 0 ? Result<void>() : fail_errno("cannot attach the generator", error);
}

}  // namespace

struct Generator::State {
    std::unique_ptr<generator_bpf, DestroySkeleton> skeleton;
    const topo::NetNs* source = nullptr;
    std::size_t destinations = 0;
    bench_packet packet{};
    std::size_t frame_bytes = 0;

    Result<Sent> run(const std::function<bool(double)>& stop, unsigned burst) const {
        if (auto pinned = run_on_measured_core(); !pinned) return std::unexpected(pinned.error());
        std::vector<std::uint8_t> frame(frame_bytes);
        std::ranges::copy(packet.header, frame.begin());
        bpf_test_run_opts options{};
        options.sz = sizeof options;
        options.data_in = frame.data();
        options.data_size_in = static_cast<std::uint32_t>(frame.size());
        options.repeat = kRepeat;
        options.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
        options.batch_size = burst;
        const int program = bpf_program__fd(skeleton->progs.generate);
        const CoreTime time;
        Sent sent;
        double inside = 0;
        while (!stop(sent.seconds)) {
            if (const int error = bpf_prog_test_run_opts(program, &options); error != 0)
                return fail_errno("cannot send live frames", error);
            sent.packets += kRepeat;
            sent.seconds = time.seconds();
            inside += 1e-9 * options.duration * kRepeat;
        }
        if (sent.seconds < kLeastCounted * inside)
            return fail("this kernel does not count softirqs as time of the thread that they interrupt");
        return sent;
    }
};

Generator::Generator(std::unique_ptr<State> state) : state_(std::move(state)) {}
Generator::Generator(Generator&&) noexcept = default;
Generator& Generator::operator=(Generator&&) noexcept = default;
Generator::~Generator() = default;

Result<Generator> Generator::create(const topo::Lab& lab, const std::vector<Address>& destinations,
                                    const Datagrams& datagrams) {
    if (destinations.empty()) return fail("a generator needs destinations");
    if (auto polled = lab.take_frames("S", kLink); !polled) return std::unexpected(polled.error());
    auto state = std::make_unique<State>();
    state->skeleton.reset(generator_bpf::open());
    if (!state->skeleton) return fail_errno("cannot open the generator program");
    auto* const map = state->skeleton->maps.bench_destinations;
    bpf_map__set_max_entries(map, static_cast<std::uint32_t>(destinations.size()));
    if (const int error = generator_bpf::load(state->skeleton.get()); error != 0)
        return fail_errno("cannot load the generator program", error);
    auto table = SharedArray<bench_destination>::map(bpf_map__fd(map), "of destinations");
    if (!table) return std::unexpected(table.error());
    for (std::size_t i = 0; i < destinations.size(); ++i) std::ranges::copy(destinations[i].bytes, (*table)[i].bytes);
    state->packet = make_packet(lab, destinations.front().is_v4(), destinations.size(), datagrams);
    state->frame_bytes = kHeaders + datagrams.bytes;
    state->destinations = destinations.size();
    state->skeleton->bss->bench_packet = state->packet;
    state->source = &lab.netns("S");
    const int program = bpf_program__fd(state->skeleton->progs.generate);
    if (auto kept = state->source->run([&] { return keep_dispatched(program); }); !kept)
        return std::unexpected(kept.error());
    return Generator(std::move(state));
}

void Generator::aim(std::size_t first, std::size_t count) {
    auto& packet = state_->skeleton->bss->bench_packet;
    packet.first = static_cast<std::uint32_t>(first);
    packet.destinations = static_cast<std::uint32_t>(count);
}

void Generator::aim_at_all() {
    aim(0, state_->destinations);
}

Result<Generator::Sent> Generator::run(std::chrono::nanoseconds length, unsigned burst) {
    const auto enough = std::chrono::duration<double>(length).count();
    return state_->source->run([&] { return state_->run([&](double spent) { return spent >= enough; }, burst); });
}

Result<Generator::Sent> Generator::run_until(const std::function<bool()>& stop, unsigned burst) {
    return state_->source->run([&] { return state_->run([&](double) { return stop(); }, burst); });
}

}  // namespace sidestep::bench
