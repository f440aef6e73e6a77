// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Checks every byte of the probes that leave. One packet is rewritten for all sessions of a tick, shorter and longer
// ones in any order, while clones of it are still on their way: no byte of one session may leave with another's probe.
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/bpf/probing.hpp"
#include "tests/bpf/programs.hpp"
#include "tests/bpf/ticking.hpp"
#include "tests/bpf/veth_pair.hpp"

namespace sidestep {
namespace {

using testing::SizeIs;

struct Shape {
    unsigned encaps = 0;  // segments of the outer SRH
    unsigned back = 0;    // segments of its own SRH
    std::uint16_t size = 0;
};

class ProbeBytes : public testing::Test {
  protected:
    void SetUp() override {
        if (!programs_.why_not().empty()) GTEST_SKIP() << programs_.why_not();
        if (!veth_.why_not().empty()) GTEST_SKIP() << veth_.why_not();
    }

    // Creates one session per shape, all in one class.
    void probe_sessions(const std::vector<Shape>& shapes) {
        const std::vector segments(SS_MAX_SEGMENTS, address("fc00::1"));
        const std::span<const Address> all(segments);
        auto& plan = programs_.plans[0];
        plan.classes = 1;
        plan.class_[0] = {.first = 0, .count = static_cast<std::uint32_t>(shapes.size()), .interval_ns = kInterval};
        std::uint16_t i = 0;
        for (const auto& shape : shapes) {
            plan.order[i] = i;
            open_session(programs_, i, kReturn, VethPair::kNear);
            auto& conf = programs_.sessions[i].conf;
            conf.interval_ns = kInterval;
            const ProbePath path{.encaps = all.first(shape.encaps), .back = all.first(shape.back)};
            const auto probe = make_probe({}, address("2001:db8:a::1"), kReturn, path, i, shape.size);
            conf.template_length = static_cast<std::uint16_t>(probe.bytes.size());
            conf.length = probe.length;
            conf.udp_offset = probe.udp_offset;
            conf.checksum = probe.checksum;
            std::ranges::copy(probe.bytes, conf.template_bytes);
            ++i;
        }
        ++plan.generation;
        programs_.clock_confs[0].tick_ns = kInterval;
        programs_.tick();
        veth_.received();
    }

    // The probe that a session has just sent, as it must be: the template filled in, and zeros.
    Bytes expected(std::uint16_t index) {
        const auto& tx = programs_.sessions[index].tx;
        auto bytes = returned_probe(programs_, index, static_cast<std::uint32_t>(tx.sequence),
                                    tx.sent_at_ns[tx.sequence % SS_SENT_RING]);
        bytes.resize(programs_.sessions[index].conf.length);
        return bytes;
    }

    // The checksum of pseudo-header and datagram, as the receiver at the return address computes it; 0xffff if right.
    std::uint32_t checksum_of(const Bytes& probe, std::uint16_t udp_at) {
        const auto udp = std::span(probe).subspan(udp_at);
        Bytes bytes;
        append(bytes, address("2001:db8:a::1").bytes);
        append(bytes, kReturn.bytes);
        append_u16(bytes, kUdp);
        append_u16(bytes, udp.size());
        append(bytes, udp);
        if (bytes.size() % 2 != 0) bytes.push_back(0);
        return static_cast<std::uint16_t>(~internet_checksum(bytes));
    }

    // Runs one tick in which all sessions are due.
    void expect_whole_probes(std::size_t count) {
        programs_.clocks[0].done[0] -= count;
        programs_.tick();
        auto probes = veth_.received(count);
        ASSERT_THAT(probes, SizeIs(count));
        for (std::size_t i = 0; i < count; ++i) {
            const auto probe = expected(static_cast<std::uint16_t>(i));
            const auto found = std::ranges::find(probes, probe);
            ASSERT_NE(found, probes.end()) << "session " << i << ": " << text_of(probe);
            ASSERT_EQ(checksum_of(*found, programs_.sessions[i].conf.udp_offset), 0xffffU) << "session " << i;
            probes.erase(found);
        }
    }

    const Address kReturn = address("2001:db8:ab::a");
    Programs programs_;
    VethPair veth_;
};

TEST_F(ProbeBytes, OfAllSizesTogether) {
    std::vector<Shape> shapes;
    for (unsigned size = 100; size < 450; size += 7) shapes.push_back({.size = static_cast<std::uint16_t>(size)});
    for (const unsigned size : {1280U, 1400U, 1500U}) shapes.push_back({.size = static_cast<std::uint16_t>(size)});
    probe_sessions(shapes);
    for (int round = 0; round < 2; ++round) expect_whole_probes(shapes.size());
}

// A long template, followed by a short one in a packet that is not shorter.
TEST_F(ProbeBytes, NothingOfALongTemplateIsLeftInTheNextProbe) {
    probe_sessions({{.encaps = 10, .size = 700}, {.size = 700}, {.back = 16}, {.size = 250}, {.size = 1400}, {}});
    for (int round = 0; round < 3; ++round) expect_whole_probes(6);
}

TEST_F(ProbeBytes, OfAnyShapesInAnyOrder) {
    std::mt19937 random(3);
    for (int round = 0; round < 20; ++round) {
        std::vector<Shape> shapes(40);
        for (auto& shape : shapes) {
            shape.encaps = random() % 2 ? random() % 8 : 0;
            shape.back = random() % 2 ? random() % 8 : 0;
            shape.size = static_cast<std::uint16_t>(random() % 3 ? random() % 1500 : 0);
        }
        probe_sessions(shapes);
        expect_whole_probes(shapes.size());
        if (HasFatalFailure()) return;
    }
}

}  // namespace
}  // namespace sidestep
