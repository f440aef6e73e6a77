// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/core/silence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep {
namespace {

using testing::HasSubstr;

class SilenceTest : public testing::Test {
  protected:
    SilenceTest() {
        config_.name = "A-B";
        config_.interface = config_.returns_on = "to-B";
        config_.neighbor = *Address::parse("fe80::b");
        config_.probe.return_address = *Address::parse("fd00:ab::a");
    }
    SessionConfig config_;
    Silence silence_{.config = &config_, .sent = 3000, .neighbor_known = true, .return_at = {"to-B"}};
};

TEST_F(SilenceTest, SaysWhatWasSentAndWhatCameBack) {
    EXPECT_THAT(explain(silence_), HasSubstr("3000 probes sent to fe80::b by to-B, none answered; fe80::b does not"));
    silence_.send_errors = 7;
    EXPECT_THAT(explain(silence_), HasSubstr("7 refused by the interface, none answered"));
    silence_.sent = 0;
    EXPECT_THAT(explain(silence_), HasSubstr("no probe could be sent by to-B"));
}

TEST_F(SilenceTest, SomeAnswersAreNotEnough) {
    silence_.answered = 12;
    EXPECT_EQ(explain(silence_),
              "3000 probes sent to fe80::b by to-B, 12 answered; its path loses probes, or they come back too late: it "
              "takes 3 answers in a row");
}

TEST_F(SilenceTest, NobodyIsThere) {
    silence_.neighbor_known = false;
    EXPECT_THAT(likely_cause(silence_), HasSubstr("nobody behind to-B answers for fe80::b: wrong neighbor"));
}

TEST_F(SilenceTest, ItsInterfaceCarriesNothing) {
    silence_.neighbor_known = false;
    silence_.ipv6 = false;
    EXPECT_THAT(likely_cause(silence_), HasSubstr("IPv6 is off on to-B, or its MTU is below 1280"));
    silence_.carrier = false;
    EXPECT_EQ(likely_cause(silence_), "to-B is down or has no carrier");
}

TEST_F(SilenceTest, NobodyBehindAPathSpeaksBfd) {
    config_.bfd = BfdSettings{.kind = BfdKind::seamless,
                              .peer = Address::parse("fd00:d::1"),
                              .local_address = Address::parse("fd00:a::1"),
                              .reflector = 7,
                              .minimum_ttl = 60};
    config_.encaps = {*Address::parse("fd00:c::")};
    EXPECT_THAT(likely_cause(silence_), HasSubstr("fd00:d::1 answers no S-BFD of fd00:a::1 to discriminator 7 (UDP "
                                                  "port 7784), it cannot be reached by these segments"));
    EXPECT_THAT(likely_cause(silence_), HasSubstr("hop limit below 60"));
    config_.bfd->kind = BfdKind::multihop;
    config_.encaps.clear();
    EXPECT_THAT(likely_cause(silence_), HasSubstr("fd00:d::1 speaks no multihop BFD with fd00:a::1 (UDP port 4784), it "
                                                  "cannot be reached over to-B"));
    silence_.return_at = {};
    EXPECT_EQ(likely_cause(silence_), "local-address fd00:a::1 is no address of this node");
    silence_.answered = 1;
    EXPECT_EQ(likely_cause(silence_), "fd00:d::1 is heard, but says that the session is down");
}

TEST_F(SilenceTest, TheReturnAddressIsSomebodyElses) {
    silence_.return_at = {};
    EXPECT_EQ(likely_cause(silence_), "return-address fd00:ab::a is no address of this node");
}

TEST_F(SilenceTest, TheReturnAddressIsOnAnotherLink) {
    silence_.return_at = {"to-C"};
    EXPECT_THAT(likely_cause(silence_), HasSubstr("is on to-C, not on to-B"));
    EXPECT_THAT(likely_cause(silence_), HasSubstr("swapped"));
    config_.probe.turnaround = Turnaround::end_x;
    config_.probe.back = {*Address::parse("fd00:b:a::")};
    EXPECT_EQ(likely_cause(silence_), "fe80::b has no SID fd00:b:a::, or is not the router that has it");
}

TEST_F(SilenceTest, TheNeighborDoesNotTurnItAround) {
    EXPECT_THAT(likely_cause(silence_), HasSubstr("does not forward IPv6"));
    EXPECT_THAT(likely_cause(silence_), HasSubstr("no route to fd00:ab::a over this link"));
    config_.encaps = {*Address::parse("fd00:c::")};
    EXPECT_THAT(likely_cause(silence_), HasSubstr("a SID of its segments is missing"));
}

TEST_F(SilenceTest, TheNeighborDoesNotTurnItAroundByIpv4) {
    config_.neighbor = *Address::parse("10.0.1.2");
    config_.source = *Address::parse("192.0.2.1");
    config_.probe.return_address = *Address::parse("10.0.1.1");
    EXPECT_THAT(likely_cause(silence_), HasSubstr("10.0.1.2 does not forward IPv4 (sysctl net.ipv4.ip_forward)"));
    EXPECT_THAT(likely_cause(silence_), HasSubstr("has no route to 192.0.2.1 over this link and drops"));
}

TEST_F(SilenceTest, APassiveSessionHearsNothing) {
    config_.passive_source = *Address::parse("fd00:b::1");
    EXPECT_THAT(explain(silence_), HasSubstr("none of 3000 expected probes came in; fd00:b::1 sends no probes"));
}

}  // namespace
}  // namespace sidestep
