// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Any packet to ss_ingress: the code is a legal one, what is passed is unchanged, what is repaired is whole inside its
// header, and no session changes without a probe whose MAC is right.
//   SIDESTEP_NIGHTLY=1   a million packets from a random seed instead of 50,000 from a fixed one
//   SIDESTEP_SEED=n      the seed that a failure printed
#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "tests/bpf/programs.hpp"
#include "tests/bpf/ways.hpp"

namespace sidestep {
namespace {

constexpr std::uint16_t kSessions = 4;
constexpr std::size_t kUdpAt = kEthernetLength + kIpv6Length;
constexpr std::size_t kLongest = 1500;

// Random bytes, numbers and choices.
class Dice {
  public:
    explicit Dice(std::uint64_t seed) : engine_(seed) {}
    std::size_t below(std::size_t limit) { return engine_() % limit; }
    bool chance(unsigned percent) { return below(100) < percent; }
    std::uint8_t byte() { return static_cast<std::uint8_t>(engine_()); }
    Bytes bytes(std::size_t count) {
        Bytes result(count);
        std::ranges::generate(result, [this] { return byte(); });
        return result;
    }

  private:
    std::mt19937_64 engine_;
};

// An SRH that lies more often than not: about its length, its segments left, its last entry.
Bytes routing_header(Dice& dice, std::uint8_t next) {
    const auto segments = dice.below(4);
    Bytes bytes{next,
                static_cast<std::uint8_t>(2 * segments),
                4,
                static_cast<std::uint8_t>(dice.below(3)),
                static_cast<std::uint8_t>(segments - 1),
                0,
                0,
                0};
    append(bytes, dice.bytes(16 * segments));
    for (const std::size_t field : {1, 2, 3, 4}) {
        if (dice.chance(15)) bytes[field] = dice.byte();
    }
    return bytes;
}

// Hop-by-hop, destination options, fragment, SRH or authentication headers, up to four, then `next`.
Bytes extension_headers(Dice& dice, std::uint8_t& first, std::uint8_t next, const Bytes& payload) {
    auto bytes = payload;
    first = next;
    for (auto count = dice.below(5); count > 0; --count) {
        Bytes header;
        std::uint8_t kind = kRouting;
        if (dice.chance(50)) {
            header = routing_header(dice, first);
        } else {
            static constexpr std::array<std::uint8_t, 4> kKinds{0, 44, 51, 60};
            kind = kKinds.at(dice.below(kKinds.size()));
            header = dice.bytes(8);
            header[0] = first;
            header[1] = 0;
        }
        append(header, bytes);
        bytes = header;
        first = kind;
    }
    return bytes;
}

std::string hex(const Bytes& bytes) {
    static constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const auto byte : bytes) {
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return text;
}

class IngressFuzz : public testing::Test {
  protected:
    void SetUp() override {
        if (!programs_.why_not().empty()) GTEST_SKIP() << programs_.why_not();
        for (std::uint16_t i = 0; i < kSessions; ++i) {
            open_session(programs_, i, sink(i), i == 3 ? 99 : kLoopback);
            programs_.sessions[i].tx.sequence = 1U << 20;
        }
        const auto backup = encaps_list(0, 2);
        header_length_ = backup.header_length;
        programs_.set_way(1, backup);
        programs_.set_policy(1, {1});
        programs_.set_prefix(*Prefix::parse("2001:db8:d::/48"), 1);
        programs_.set_prefix(*Prefix::parse("2001:db8:d::1"), SS_POLICY_EXEMPT);
        programs_.lower(9);
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
            Bytes payload(bytes.begin() + kUdpAt, bytes.end());
            bytes.resize(kUdpAt);
            append(bytes, extension_headers(dice, bytes[kEthernetLength + 6], kUdp, payload));
        }
        return bytes;
    }

    static Bytes traffic(Dice& dice) {
        static constexpr std::array<std::string_view, 5> kDestinations{"2001:db8:d::2", "2001:db8:d::1",
                                                                       "2001:db8:e::1", "ff02::1", "2001:db8:ab::a"};
        Ipv6 ip{.to = kDestinations.at(dice.below(kDestinations.size())), .hop_limit = dice.byte()};
        const auto port = dice.chance(20) ? SS_PROBE_PORT : dice.below(65536);
        const auto payload =
            dice.chance(70) ? udp(7, static_cast<std::uint16_t>(port), dice.below(200)) : dice.bytes(dice.below(200));
        const auto whole = extension_headers(dice, ip.next_header, dice.chance(80) ? kUdp : dice.byte(), payload);
        return packet(ip, whole);
    }

    static void mutate(Dice& dice, Bytes& bytes) {
        for (auto count = dice.below(4); count > 0; --count) {
            switch (dice.below(5)) {
                case 0:
                    bytes.resize(dice.below(bytes.size()) + 1);
                    break;
                case 1:
                    append(bytes, dice.bytes(dice.below(300)));
                    break;
                case 2:
                    bytes[dice.below(bytes.size())] ^= static_cast<std::uint8_t>(1U << dice.below(8));
                    break;
                case 3:
                    bytes[dice.below(bytes.size())] = dice.byte();
                    break;
                default:  // lengths and next header of the outermost header
                    if (bytes.size() > kUdpAt) bytes[kEthernetLength + 4 + dice.below(3)] = dice.byte();
            }
        }
        bytes.resize(std::clamp(bytes.size(), kEthernetLength + 1, kLongest));
    }

    Bytes any_packet(Dice& dice) {
        auto bytes = dice.chance(40)   ? probe(dice)
                     : dice.chance(90) ? traffic(dice)
                                       : dice.bytes(1 + dice.below(kLongest));
        if (dice.chance(80)) mutate(dice, bytes);
        return bytes;
    }

    // True if a MAC of ours is where a probe has it, after UDP or SRH and UDP.
    [[nodiscard]] bool has_mac(const Bytes& bytes) const {
        auto at = kUdpAt;
        if (bytes.size() > kUdpAt + 8 && bytes[kEthernetLength + 6] == kRouting) at += 8 + 8UL * bytes[kUdpAt + 1];
        ss_stamp stamp{};
        if (bytes.size() < at + 8 + sizeof stamp) return false;
        std::memcpy(&stamp, bytes.data() + at + 8, sizeof stamp);
        const auto mac = ss_stamp_mac(&stamp, &programs_.secret);
        return std::memcmp(stamp.mac, &mac, sizeof mac) == 0;
    }

    // Outer header, then the packet with one hop less.
    void expect_repaired(const Bytes& in, const Bytes& out) const {
        auto inner = in;
        inner.at(kEthernetLength + 7)--;
        ASSERT_EQ(out.size(), header_length_ + in.size() - kEthernetLength);
        ASSERT_TRUE(std::equal(inner.begin() + kEthernetLength, inner.end(),
                               out.begin() + static_cast<std::ptrdiff_t>(header_length_)));
    }

    [[nodiscard]] std::array<ss_session, kSessions> sessions() const {
        std::array<ss_session, kSessions> result{};
        std::copy_n(programs_.sessions.all().begin(), kSessions, result.begin());
        return result;
    }

    void check(const Bytes& bytes) {
        const auto before = memory_of(sessions());
        const auto result = programs_.ingress(bytes);
        ++codes_[result.code];
        const bool changed = memory_of(sessions()) != before;
        switch (result.code) {
            case kPass:
                ASSERT_EQ(result.packet, bytes);
                ASSERT_FALSE(changed);
                break;
            case TC_ACT_SHOT:
                ASSERT_FALSE(changed);
                break;
            case TC_ACT_STOLEN:
                ASSERT_TRUE(changed);
                ASSERT_TRUE(has_mac(bytes));
                break;
            case TC_ACT_REDIRECT:
                ASSERT_FALSE(changed);
                expect_repaired(bytes, result.packet);
                break;
            case kNotRun:
                ASSERT_LT(bytes.size(), kUdpAt) << "the kernel runs no programs on less than the headers it knows of";
                break;
            default:
                FAIL() << "code " << std::hex << result.code;
        }
    }

    Programs programs_;
    std::size_t header_length_ = 0;
    std::map<std::uint32_t, std::uint64_t> codes_;
};

TEST_F(IngressFuzz, AnyPacket) {
    const bool nightly = std::getenv("SIDESTEP_NIGHTLY") != nullptr;
    const char* wanted = std::getenv("SIDESTEP_SEED");
    const std::uint64_t seed = wanted ? std::strtoull(wanted, nullptr, 10) : nightly ? std::random_device{}() : 1;
    Dice dice(seed);
    const int count = nightly ? 1'000'000 : 50'000;
    for (int i = 0; i < count; ++i) {
        const auto bytes = any_packet(dice);
        // So that there is always something new to answer.
        for (std::uint16_t s = 0; i % 500 == 0 && s < kSessions; ++s) programs_.sessions[s].rx = {};
        check(bytes);
        ASSERT_FALSE(HasFatalFailure()) << "packet " << i << " of SIDESTEP_SEED=" << seed << ": " << hex(bytes);
    }
    for (const auto code :
         {kPass, std::uint32_t{TC_ACT_SHOT}, std::uint32_t{TC_ACT_STOLEN}, std::uint32_t{TC_ACT_REDIRECT}}) {
        EXPECT_GT(codes_[code], static_cast<std::uint64_t>(count) / 200) << "hardly ever reached: " << code;
    }
    for (std::uint32_t reason = 0; reason < SS_REJECT_COUNT; ++reason)
        EXPECT_GT(programs_.counter(reason), 0U) << reason;
}

}  // namespace
}  // namespace sidestep
