// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A node that is sent any packet, and what has to be true of what comes of it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "tests/bpf/probing.hpp"
#include "tests/bpf/programs.hpp"
#include "tests/fuzz/answers.hpp"
#include "tests/fuzz/bfd_traffic.hpp"
#include "tests/fuzz/grammar.hpp"
#include "tests/fuzz/node.hpp"
#include "tests/fuzz/oracle.hpp"
#include "tests/fuzz/reflector_traffic.hpp"
#include "tests/fuzz/traffic.hpp"
#include "tests/fuzz/views.hpp"

namespace sidestep {

inline constexpr std::uint16_t kSessions = 4;
inline constexpr std::size_t kIpAt = kEthernetLength;

class IngressFuzz : public testing::Test {
  protected:
    void SetUp() override {
        if (!programs_.why_not().empty()) GTEST_SKIP() << programs_.why_not();
        if (!veth_.why_not().empty()) GTEST_SKIP() << veth_.why_not();
        ASSERT_EQ(build_routes(), "");
        for (std::uint16_t i = 0; i < kSessions; ++i) {
            open_session(programs_, i, sink(i), i == 3 ? 99 : kLoopback);
            programs_.sessions[i].tx.sequence = 1U << 20;
        }
        open_speakers(programs_);
        build_node(programs_);
        open_fuzzed_reflectors(programs_);
    }

    static Address sink(std::uint16_t session) {
        auto result = address("2001:db8:ab::a");
        result.bytes[15] = static_cast<std::uint8_t>(result.bytes[15] + session % 2);
        return result;
    }

    Bytes probe(Dice& dice) {
        const auto session = static_cast<std::uint16_t>(dice.below(kSessions));
        const auto sequence = (1U << 20) - static_cast<std::uint32_t>(dice.below(200)) + 5;
        auto bytes = returned_probe(programs_, session, sequence, 1);
        if (dice.chance(30)) {
            const Bytes payload(bytes.begin() + kUdpAt, bytes.end());
            bytes.resize(kUdpAt);
            append(bytes, extension_headers(dice, bytes[kEthernetLength + 6], kUdp, payload));
        }
        return bytes;
    }

    Bytes any_packet(Dice& dice) {
        auto bytes = dice.chance(30)   ? probe(dice)
                     : dice.chance(10) ? bfd_traffic(dice)
                     : dice.chance(15) ? reflector_traffic(dice)
                     : dice.chance(40) ? Grown(dice).packet_of()
                                       : any_traffic(dice);
        bytes.resize(std::min(bytes.size(), kLongest));
        if (dice.chance(70)) mutate(dice, bytes);
        return bytes;
    }

    // To those who measure: our own BFD and the reflectors, at times in a tunnel.
    static Bytes measuring_packet(Dice& dice) {
        auto bytes = dice.chance(50) ? bfd_traffic(dice) : reflector_traffic(dice);
        if (dice.chance(70)) mutate(dice, bytes);
        return bytes;
    }

    // True if a MAC of ours is where a probe has it, after UDP.
    [[nodiscard]] bool has_mac(View ip) const {
        const auto at = behind_headers(ip) + 8;
        ss_stamp stamp{};
        if (ip.size() < at + sizeof stamp) return false;
        std::memcpy(&stamp, ip.subspan(at).data(), sizeof stamp);
        const auto mac = ss_stamp_mac(&stamp, &programs_.secret);
        return std::memcmp(stamp.mac, &mac, sizeof mac) == 0;
    }

    // An SRH with what came behind it, but for hop-by-hop options, which stay first.
    static void expect_inserted(View came, View left, unsigned hops) {
        const bool has_options = came[6] == kHopByHop;
        const auto at = kIpv6Length + (has_options ? 8 + 8UL * came[kIpv6Length + 1] : 0);
        ASSERT_EQ(left[7], came[7] - hops);
        ASSERT_EQ(has_options ? left[kIpv6Length] : left[6], kRouting);
        ASSERT_EQ(left[at], has_options ? came[kIpv6Length] : came[6]) << "the next header went to the SRH";
        ASSERT_TRUE(std::ranges::equal(left.subspan(at + 8, 16), came.subspan(24, 16)));
        ASSERT_TRUE(ends_with(left, came.subspan(at)));
        if (has_options) {
            const auto options = at - kIpv6Length - 1;
            ASSERT_TRUE(
                std::ranges::equal(left.subspan(kIpv6Length + 1, options), came.subspan(kIpv6Length + 1, options)));
        }
    }

    // `hops` less in what came, and nothing else of it changed unless it was visited by SIDs; the headers before it.
    static void expect_repaired(View came, View left, unsigned hops) {
        const bool visited = !is_v4(came) && is_own_sid(came.subspan(24));
        if (visited) {  // destination, segments left and the SRH as a whole may be others
            const auto rest = std::min(behind_headers(came), came.size());
            ASSERT_TRUE(ends_with(left, came.subspan(rest)));
            return;
        }
        const auto added = left.size() - came.size();
        if (added == kInserted && !is_v4(left) && std::ranges::equal(left.subspan(8, 16), came.subspan(8, 16))) {
            expect_inserted(came, left, hops);
            return;
        }
        ASSERT_TRUE(added == 0 || added == 40 || added == 64 || added == 80 || added == 96) << added;
        const auto inner = left.subspan(added);
        ASSERT_EQ(without_hop(inner), without_hop(came));
        const std::size_t hop = is_v4(came) ? 8 : 7;
        ASSERT_EQ(inner[hop], came[hop] - hops);
        if (added == 0) return;
        ASSERT_EQ(left[7], inner[hop]);
        ASSERT_EQ(left[0] >> 4, 6);
        ASSERT_EQ(read_u16(left, 4), static_cast<std::uint16_t>(added - kIpv6Length + length_of_packet(came)));
    }

    // By its own header.
    static std::size_t length_of_packet(View ip) { return is_v4(ip) ? read_u16(ip, 2) : kIpv6Length + read_u16(ip, 4); }

    static void expect_told(View came, View left) {
        const bool v4 = is_v4(came);
        const std::size_t header = v4 ? kIpv4Length : kIpv6Length;
        ASSERT_EQ(is_v4(left), v4);
        std::uint32_t sum = 0;
        if (v4) {
            ASSERT_EQ(internet_checksum(left.first(header)), 0U);
        } else {
            sum = static_cast<std::uint32_t>(left.size() - header + 58);
            for (std::size_t i = 8; i < 40; i += 2) sum += read_u16(left, i);
        }
        ASSERT_EQ(internet_checksum(left.subspan(header), sum), 0U);
        ASSERT_LE(left.size(), came.size());
        const auto quoted = left.subspan(header + 8);
        ASSERT_EQ(without_hop(quoted), without_hop(came.first(quoted.size())));
        ASSERT_TRUE(std::ranges::equal(left.subspan(header - (v4 ? 4 : 16), v4 ? 4 : 16),
                                       came.subspan(v4 ? 12 : 8, v4 ? 4 : 16)));
    }

    [[nodiscard]] std::array<ss_session, kSessions> sessions() const {
        std::array<ss_session, kSessions> result{};
        std::copy_n(programs_.sessions.all().begin(), kSessions, result.begin());
        return result;
    }

    // How often that was counted since it was last asked.
    std::uint64_t times(ss_outcome outcome) {
        const auto counted = programs_.outcomes(outcome);
        return counted - std::exchange(counted_[outcome], counted);
    }
    bool happened(ss_outcome outcome) { return times(outcome) != 0; }

    void check_ingress(Bytes bytes, std::uint32_t ifindex) {
        if (ifindex == VethPair::kNear && bytes.size() >= 12) {
            const auto mac = hex("020000000001");
            std::ranges::copy(mac, bytes.begin());
        }
        const auto before = memory_of(sessions());
        const auto spoken = recorded_bfd(programs_);
        const auto result = programs_.ingress(bytes, ifindex);
        ++codes_[result.code];
        const bool spoke = recorded_bfd(programs_) != spoken;
        const bool changed = spoke || memory_of(sessions()) != before;
        const auto unwrapped =
            times(SS_OUTCOME_DECAPSULATED);  // at XDP, what is for another SID comes in again at once
        const bool decapsulated = unwrapped != 0;
        const bool told = happened(SS_OUTCOME_PTB_SENT);
        const bool reflected = times(SS_OUTCOME_STAMP_ANSWERED) + times(SS_OUTCOME_SBFD_ANSWERED) != 0;
        if (result.code == kNotRun) {
            ASSERT_LT(bytes.size(), kUdpAt) << "the kernel runs no programs on less than the headers it knows of";
            return;
        }
        ASSERT_EQ(changed, result.code == TC_ACT_STOLEN);
        View came = View(bytes).subspan(kIpAt);
        for (std::uint64_t i = 0; i < unwrapped; ++i) came = came.subspan(behind_headers(came));
        if (reflected) {
            ASSERT_EQ(result.code, TC_ACT_REDIRECT);
            return expect_answered(came, View(result.packet).subspan(kIpAt));
        }
        ASSERT_TRUE(result.code != TC_ACT_REDIRECT || may_be_sent(bytes, came, decapsulated));
        switch (result.code) {
            case kPass:
                if (decapsulated) {
                    ASSERT_EQ(read_u16(result.packet, 12), is_v4(came) ? 0x0800 : 0x86dd);
                    ASSERT_TRUE(std::equal(bytes.begin(), bytes.begin() + 12, result.packet.begin()));
                    ASSERT_EQ(without_hop(View(result.packet).subspan(kIpAt)), without_hop(came));
                } else {
                    ASSERT_EQ(result.packet, bytes);
                }
                break;
            case TC_ACT_SHOT:
                break;
            case TC_ACT_STOLEN:
                ASSERT_TRUE(spoke || has_mac(came));
                break;
            case TC_ACT_REDIRECT:
                ASSERT_FALSE(!is_v4(came) && is_observed(came.subspan(24)));
                if (told) {
                    expect_told(came, View(result.packet).subspan(kIpAt));
                } else {
                    expect_repaired(came, View(result.packet).subspan(kIpAt), 1);
                }
                break;
            default:
                FAIL() << "code " << std::hex << result.code;
        }
    }

    // By what the kernel checks, and only while something is down. What is decapsulated, and is for another SID of the node,
    // comes in again.
    [[nodiscard]] bool may_be_sent(const Bytes& bytes, View came, bool decapsulated) const {
        if (!decapsulated) return programs_.repair[0].active != 0 && !kernel_would_drop(bytes);
        if (!is_v4(came) && is_own_sid(came.subspan(24))) return true;
        Bytes inner(12, 0);
        append_u16(inner, is_v4(came) ? 0x0800 : 0x86dd);
        append(inner, came);
        return programs_.repair[0].active != 0 && !kernel_would_drop(inner);
    }

    void check_egress(const Bytes& bytes) {
        const auto before = memory_of(sessions());
        const auto result = programs_.egress(bytes, kLoopback, VethPair::kNear);
        ASSERT_EQ(memory_of(sessions()), before);
        const bool told = happened(SS_OUTCOME_PTB_SENT);
        const auto came = View(bytes).subspan(kIpAt);
        if (result.code == TC_ACT_REDIRECT) {
            ASSERT_NE(programs_.repair[0].active, 0U);
            ++left_by_egress_;
            if (!told && !(!is_v4(came) && is_own_sid(came.subspan(24))))
                expect_repaired(came, View(result.packet).subspan(kIpAt), 0);
        } else if (result.code == kNotRun) {
            ASSERT_LT(bytes.size(), kUdpAt);
        } else if (result.code == kPass) {
            ASSERT_EQ(result.packet, bytes);
        } else {
            ASSERT_EQ(result.code, TC_ACT_SHOT);
        }
    }

    void check_device(const Bytes& bytes) {
        const auto before = memory_of(sessions());
        const auto result = programs_.device(bytes);
        ASSERT_EQ(memory_of(sessions()), before);
        if (result.code == TC_ACT_REDIRECT) {
            ++left_by_device_;
            const auto came = View(bytes).subspan(kIpAt);
            if (!is_v4(came) && is_own_sid(came.subspan(24))) return;  // which policies may have prefixes of
            expect_repaired(came, View(result.packet).subspan(kIpAt), 0);
        } else if (result.code == kNotRun) {
            ASSERT_LT(bytes.size(), kUdpAt);
        } else {
            ASSERT_EQ(result.code, TC_ACT_SHOT);
        }
    }

    // What comes and goes while packets pass.
    void change_states(Dice& dice) {
        for (const auto session : {kPlain, kFirstWeighted, std::uint16_t{kFirstWeighted + 1}})
            programs_.states[session].rank = static_cast<std::uint32_t>(dice.below(SS_UP + 1));
    }

    Programs programs_;
    VethPair veth_;
    std::map<std::uint32_t, std::uint64_t> codes_;
    std::map<ss_outcome, std::uint64_t> counted_;
    std::uint64_t left_by_device_ = 0;
    std::uint64_t left_by_egress_ = 0;
};

// How many packets, and from which seed.
struct Extent {
    Extent() {
        if (const char* wanted = std::getenv("SIDESTEP_SEED")) seed = std::strtoull(wanted, nullptr, 10);
    }
    bool nightly = std::getenv("SIDESTEP_NIGHTLY") != nullptr;
    std::uint64_t seed = nightly ? std::random_device{}() : 1;
    int count = nightly ? 1'000'000 : 50'000;
};

}  // namespace sidestep
