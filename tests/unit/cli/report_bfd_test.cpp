// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Peers as FRR prints them (FRR 8.4.4's own output, but for what it adds), whole and with everything missing.
#include "cli/report_bfd.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep {
namespace {

using nlohmann::json;
using testing::HasSubstr;

json answer() {
    return json::parse(R"({"bfdd": {"connected": true}, "peers": [
        {"peer": "fd00:9::2", "local": "fd00:9::1", "interface": "l1", "multihop": false, "passive": false,
         "shutdown": false, "minimum_ttl": 255, "id": 1200550825, "remote_id": 77, "status": "up", "diagnostic": "ok",
         "since_ms": 65000, "multiplier": 3, "receive_us": 300000, "transmit_us": 300000, "echo_receive_us": 50000,
         "echo_transmit_us": 0, "remote_multiplier": 3, "remote_receive_us": 10000, "remote_transmit_us": 10000,
         "ups": 1, "downs": 0, "notifications": 1, "session": "A-B", "made_for_it": false, "trouble": "",
         "packets_in": 2, "packets_out": 4},
        {"peer": "10.9.0.2", "local": null, "interface": "", "multihop": true, "minimum_ttl": 254, "id": 519423023,
         "status": "shutdown", "diagnostic": "administratively down", "session": null, "trouble": "multihop"}]})");
}

TEST(ReportBfd, SaysThatNobodyAsks) {
    EXPECT_EQ(lack_of_bfdd(answer()), "");
    EXPECT_EQ(lack_of_bfdd(json::object()), "");
    const json alone{{"bfdd", {{"connected", false}, {"path", "unix:/run/frr/bfdd.sock"}}}, {"peers", json::array()}};
    EXPECT_THAT(lack_of_bfdd(alone), HasSubstr("bfdd is not connected (it should listen at unix:/run/frr/bfdd.sock)"));
}

TEST(ReportBfd, PeersAreAsFrrPrintsThem) {
    EXPECT_THAT(report_bfd_peers(answer()), HasSubstr(R"(BFD Peers:
	peer fd00:9::2 local-address fd00:9::1 vrf default interface l1
		ID: 1200550825
		Remote ID: 77
		Active mode
		Status: up
		Uptime: 1 minute(s), 5 second(s)
		Diagnostics: ok
		Remote diagnostics: ok
		Answered by: session A-B
		RTT min/avg/max: 0/0/0 usec
		Local timers:
			Detect-multiplier: 3
			Receive interval: 300ms
			Transmission interval: 300ms
			Echo receive interval: 50ms
			Echo transmission interval: disabled
		Remote timers:
			Detect-multiplier: 3
			Receive interval: 10ms
			Transmission interval: 10ms
			Echo receive interval: disabled

	peer 10.9.0.2 multihop vrf default
)"));
    auto asked = answer();
    asked["peers"][0]["kind"] = "s-bfd";
    EXPECT_THAT(report_bfd_peers(asked), HasSubstr("peer fd00:9::2 bfd-mode sbfd-init local-address fd00:9::1"));
    EXPECT_THAT(report_bfd_peers(answer()), HasSubstr("Minimum TTL: 254\n\t\tStatus: shutdown\n\t\tDiagnostics"));
    EXPECT_THAT(report_bfd_peers(answer()), HasSubstr("Answered by: nobody, multihop\n"));
}

// A session of this node that speaks for itself; nobody has to be connected for that.
TEST(ReportBfd, OwnSessionsSayWhatBothEndsSay) {
    auto own = answer();
    own["bfdd"] = nullptr;
    own["peers"][0]["by_bfd"] = true;
    own["peers"][0]["local_diagnostic"] = "control detection time expired";
    own["peers"][0]["diagnostic"] = "neighbor signaled session down";
    EXPECT_EQ(lack_of_bfdd(own), "");
    EXPECT_THAT(report_bfd_peers(own), HasSubstr("\t\tDiagnostics: control detection time expired\n"
                                                 "\t\tRemote diagnostics: neighbor signaled session down\n"
                                                 "\t\tAnswered by: session A-B, by BFD\n"));
    EXPECT_EQ(bfd_peers_json(own)[0]["diagnostic"], "control detection time expired");
    EXPECT_EQ(bfd_peers_json(own)[0]["remote-diagnostic"], "neighbor signaled session down");
}

TEST(ReportBfd, BriefIsALineEach) {
    EXPECT_EQ(report_bfd_brief(answer()),
              "Session count: 2\n"
              "SessionId  LocalAddress                             PeerAddress                             Status"
              "         \n"
              "=========  ============                             ===========                             ======"
              "         \n"
              "1200550825 fd00:9::1                                fd00:9::2                               up"
              "             \n"
              "519423023  0.0.0.0                                  10.9.0.2                                admin-down"
              "     \n");
}

TEST(ReportBfd, CountersAreThoseOfProbes) {
    EXPECT_THAT(report_bfd_counters(answer()), HasSubstr("\t\tControl packet input: 2 packets\n"
                                                         "\t\tControl packet output: 4 packets\n"
                                                         "\t\tEcho packet input: 0 packets\n"
                                                         "\t\tEcho packet output: 0 packets\n"
                                                         "\t\tSession up events: 1\n"
                                                         "\t\tSession down events: 0\n"
                                                         "\t\tZebra notifications: 1\n\n"));
}

TEST(ReportBfd, JsonHasFrrsKeysInFrrsOrder) {
    EXPECT_EQ(bfd_peers_json(answer())[0].dump(),
              R"({"multihop":false,"peer":"fd00:9::2","local":"fd00:9::1","vrf":"default","interface":"l1",)"
              R"("id":1200550825,"remote-id":77,"passive-mode":false,"status":"up","uptime":65,"diagnostic":"ok",)"
              R"("remote-diagnostic":"ok","receive-interval":300,"transmit-interval":300,"echo-receive-interval":50,)"
              R"("echo-transmit-interval":0,"detect-multiplier":3,"remote-receive-interval":10,)"
              R"("remote-transmit-interval":10,"remote-echo-receive-interval":0,"remote-detect-multiplier":3,)"
              R"("rtt-min":0,"rtt-avg":0,"rtt-max":0})");
}

TEST(ReportBfd, NothingMustBeThere) {
    for (const auto* text : {"{}", "{\"peers\": 7}", "{\"peers\": []}", "{\"peers\": [{}]}"}) {
        const auto odd = json::parse(text);
        EXPECT_THAT(report_bfd_peers(odd), HasSubstr("BFD Peers"));
        EXPECT_THAT(report_bfd_brief(odd), HasSubstr("Session count"));
        EXPECT_THAT(report_bfd_counters(odd), HasSubstr("BFD Peers"));
        EXPECT_TRUE(bfd_peers_json(odd).is_array());
    }
}

}  // namespace
}  // namespace sidestep
