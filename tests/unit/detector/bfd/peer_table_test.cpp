// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// What bfdd is told, when, and how often.
#include "detector/bfd/peer_table.hpp"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep::bfd {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class Peers : public testing::Test {
  protected:
    void add(std::uint32_t discriminator, const std::string& session = "A-B", bool shutdown = false) {
        const AskedSession asked{.shutdown = shutdown,
                                 .destination = Address::parse("fe80::b").value(),
                                 .discriminator = discriminator,
                                 .interface = "to-B"};
        const std::vector<std::uint8_t> frame{1};
        ASSERT_TRUE(table_.add(asked, frame, {.probe = match(session)}, now_));
    }
    static PeerMatch match(const std::string& session) {
        return session.empty() ? PeerMatch{.trouble = "multihop"} : PeerMatch{.session = session};
    }
    void set(SessionState state, Reason reason = Reason::none, const std::string& session = "A-B") {
        sessions_[session] = {.state = state, .reason = reason, .index = 4, .interval = 1ms, .multiplier = 3};
    }
    std::vector<Telling> news(const std::string* only = nullptr) {
        return table_.news(
            [this](const std::string& name) {
                const auto found = sessions_.find(name);
                return found == sessions_.end() ? std::nullopt : std::optional(found->second);
            },
            now_, only);
    }

    PeerTable table_;
    std::map<std::string, SessionView> sessions_;
    Nanoseconds now_{100s};
};

TEST_F(Peers, EveryStateOfASessionHasAStateOfBfd) {
    struct Row {
        SessionState state;
        Reason reason;
        std::optional<Verdict> wanted;
    };
    const Verdict up{.state = BfdState::up, .diagnostic = Diagnostic::none};
    const Verdict expired{.state = BfdState::down, .diagnostic = Diagnostic::detection_time_expired};
    const Verdict path{.state = BfdState::down, .diagnostic = Diagnostic::path_down};
    const Verdict unwatched{.state = BfdState::admin_down, .diagnostic = Diagnostic::admin_down};
    for (const auto& row : std::vector<Row>{{SessionState::init, Reason::none, std::nullopt},
                                            {SessionState::up, Reason::none, up},
                                            {SessionState::degraded, Reason::lossy, up},
                                            {SessionState::down, Reason::unanswered, expired},
                                            {SessionState::down, Reason::carrier, path},
                                            {SessionState::down, Reason::neighbor, path},
                                            {SessionState::wait, Reason::unanswered, expired},
                                            {SessionState::admin_down, Reason::admin, unwatched}}) {
        const SessionView view{.state = row.state, .reason = row.reason};
        EXPECT_EQ(verdict_of({.match = match("A-B")}, view), row.wanted) << to_string(row.state);
        EXPECT_EQ(verdict_of({.asked = {.shutdown = true}, .match = match("A-B")}, view), unwatched);
        EXPECT_EQ(verdict_of({.match = match("")}, view), unwatched) << "nobody answers: that is no failure";
    }
    EXPECT_EQ(verdict_of({.match = match("A-B")}, std::nullopt), std::nullopt);
}

TEST_F(Peers, ASessionThatIsUpIsToldAtOnceAndOnce) {
    set(SessionState::up);
    add(7);
    const auto told = news();
    ASSERT_THAT(told, SizeIs(1));
    const StateChange wanted{.discriminator = 7,
                             .remote_discriminator = 5,
                             .remote_tx_us = 1000,
                             .remote_rx_us = 1000,
                             .remote_multiplier = 3,
                             .state = BfdState::up,
                             .diagnostic = Diagnostic::none};
    EXPECT_EQ(told[0].change, wanted);
    EXPECT_TRUE(told[0].new_state);
    EXPECT_THAT(news(), IsEmpty());
    EXPECT_EQ(table_.find(7)->ups, 1U);
}

TEST_F(Peers, AFailureIsToldWithItsReasonAndSoIsTheReturn) {
    set(SessionState::up);
    add(7);
    news();
    set(SessionState::down, Reason::unanswered);
    now_ += 5s;
    const std::string other = "A-C";
    EXPECT_THAT(news(&other), IsEmpty()) << "asked of another session";
    const std::string mine = "A-B";
    ASSERT_THAT(news(&mine), SizeIs(1));
    EXPECT_EQ(table_.find(7)->state(), BfdState::down);
    EXPECT_EQ(table_.find(7)->since, now_);
    EXPECT_EQ(table_.find(7)->downs, 1U);
    set(SessionState::wait, Reason::unanswered);
    EXPECT_THAT(news(), IsEmpty()) << "answers again, but is not trusted yet";
    set(SessionState::up);
    ASSERT_THAT(news(), SizeIs(1));
    EXPECT_EQ(table_.find(7)->state(), BfdState::up);
}

TEST_F(Peers, ASessionThatWasNeverProvenSaysNothing) {
    set(SessionState::init);
    add(7);
    EXPECT_THAT(news(), IsEmpty()) << "bfdd takes it for down until it hears otherwise";
    set(SessionState::up);
    EXPECT_THAT(news(), SizeIs(1));
    set(SessionState::init);  // a reload made it anew
    EXPECT_THAT(news(), IsEmpty()) << "and so does not flap";
}

// After an update bfdd may have set its own state back.
TEST_F(Peers, AnUpdateIsAnsweredWithTheStateAgain) {
    set(SessionState::up);
    add(7);
    news();
    add(7);
    auto again = news();
    ASSERT_THAT(again, SizeIs(1));
    EXPECT_FALSE(again[0].new_state);
    set(SessionState::init);
    add(7);
    ASSERT_THAT(again = news(), SizeIs(1)) << "what was told stands";
    EXPECT_EQ(again[0].change.state, BfdState::up);
    EXPECT_EQ(table_.find(7)->ups, 1U);
}

TEST_F(Peers, OtherTimersAreToldWithoutANewState) {
    set(SessionState::up);
    add(7);
    news();
    sessions_["A-B"].interval = 10ms;
    const auto told = news();
    ASSERT_THAT(told, SizeIs(1));
    EXPECT_EQ(told[0].change.remote_tx_us, 10'000U);
    EXPECT_FALSE(told[0].new_state);
}

TEST_F(Peers, WhatNobodyAnswersIsNotWatchedAndNamed) {
    add(7, "");
    const auto told = news();
    ASSERT_THAT(told, SizeIs(1));
    EXPECT_EQ(told[0].change.state, BfdState::admin_down);
    EXPECT_THAT(table_.problems()["peer fe80::b%to-B"], HasSubstr("not watched: multihop"));
    set(SessionState::up);
    table_.match_again([](const AskedSession&) { return PeerWays{.probe = match("A-B")}; });
    ASSERT_THAT(news(), SizeIs(1));
    EXPECT_EQ(table_.find(7)->state(), BfdState::up);
    EXPECT_THAT(table_.problems(), IsEmpty());
}

TEST_F(Peers, TwoForOneNeighborAreToldTheSameAndNamed) {
    set(SessionState::up);
    add(7);
    add(8);
    EXPECT_THAT(news(), SizeIs(2));
    EXPECT_THAT(table_.problems()["peer fe80::b%to-B"], HasSubstr("two sessions for this neighbor (ID 7 and 8)"));
    EXPECT_TRUE(table_.remove(7));
    EXPECT_FALSE(table_.remove(7));
    EXPECT_THAT(table_.problems(), IsEmpty());
}

TEST_F(Peers, AWishIsMadeOnceAndMayBeRefused) {
    PeerMatch made{.session = "client/x", .wish = SessionWish{.name = "x"}};
    add(7);
    add(8);
    table_.match_again([&](const AskedSession&) { return PeerWays{.probe = made}; });
    EXPECT_THAT(table_.wishes(), SizeIs(1));
    table_.note_refused("client/x", "no more intervals");
    EXPECT_THAT(table_.wishes(), IsEmpty());
    EXPECT_EQ(table_.find(7)->match.trouble, "no more intervals");
}

/// With a session that probes, and one that speaks BFD.
class PeersWithBoth : public Peers {
  protected:
    PeersWithBoth() {
        const AskedSession asked{.destination = Address::parse("fe80::b").value(), .discriminator = 7};
        const PeerWays ways{.probe = match("probe"), .bfd = match("bfd")};
        EXPECT_TRUE(table_.add(asked, std::vector<std::uint8_t>{1}, ways, now_));
    }
    void speaks(SessionState state, BfdState theirs, bool was_up = true) {
        sessions_["bfd"] = {
            .state = state,
            .reason = state == SessionState::down ? Reason::unanswered : Reason::none,
            .heard = HeardView{.state = theirs, .discriminator = 99, .tx_us = 20'000, .rx_us = 30'000, .multiplier = 5},
            .diagnostic = state == SessionState::down ? Diagnostic::neighbor_signaled : Diagnostic::none,
            .was_up = was_up};
    }
    /// The states that are told now.
    std::vector<BfdState> told() {
        std::vector<BfdState> states;
        for (const auto& one : news()) states.push_back(one.change.state);
        return states;
    }
    [[nodiscard]] const std::string& answerer() const { return table_.find(7)->match.session; }
};

TEST_F(PeersWithBoth, ProbesAnswerUntilTheNeighborSpeaks) {
    set(SessionState::up, Reason::none, "probe");
    speaks(SessionState::init, BfdState::down, false);
    EXPECT_THAT(told(), testing::ElementsAre(BfdState::up));
    EXPECT_EQ(answerer(), "probe");
    EXPECT_THAT(table_.spare(), IsEmpty()) << "they are the configuration's";
    speaks(SessionState::down, BfdState::down, false);
    EXPECT_THAT(told(), IsEmpty()) << "it never spoke";
    set(SessionState::down, Reason::unanswered, "probe");
    EXPECT_THAT(told(), testing::ElementsAre(BfdState::down));
    set(SessionState::up, Reason::none, "probe");
    EXPECT_THAT(told(), testing::ElementsAre(BfdState::up));
}

TEST_F(PeersWithBoth, OnceItSpeaksBfdCounts) {
    set(SessionState::up, Reason::none, "probe");
    told();
    speaks(SessionState::up, BfdState::up);
    const auto news = this->news();
    ASSERT_THAT(news, SizeIs(1)) << "other timers, the same state";
    EXPECT_FALSE(news[0].new_state);
    EXPECT_EQ(answerer(), "bfd");
    const StateChange wanted{.discriminator = 7,
                             .remote_discriminator = 99,
                             .remote_tx_us = 20'000,
                             .remote_rx_us = 30'000,
                             .remote_multiplier = 5,
                             .remote_c_bit = false,
                             .state = BfdState::up,
                             .diagnostic = Diagnostic::none};
    EXPECT_EQ(news[0].change, wanted);
    speaks(SessionState::down, BfdState::down);
    EXPECT_THAT(told(), testing::ElementsAre(BfdState::down)) << "its word, though it forwards";
    EXPECT_EQ(table_.find(7)->told->diagnostic, Diagnostic::neighbor_signaled);
    EXPECT_EQ(answerer(), "bfd");
}

TEST_F(PeersWithBoth, ANeighborThatTakesItsBfdAwayIsProbedAndNothingFlaps) {
    set(SessionState::up, Reason::none, "probe");
    speaks(SessionState::up, BfdState::up);
    told();
    speaks(SessionState::down, BfdState::admin_down);
    EXPECT_THAT(told(), testing::Each(BfdState::up));
    EXPECT_EQ(answerer(), "probe");
    speaks(SessionState::down, BfdState::down);
    EXPECT_THAT(told(), IsEmpty()) << "it begins to speak again";
    speaks(SessionState::up, BfdState::up);
    EXPECT_THAT(told(), testing::Each(BfdState::up));
    EXPECT_EQ(answerer(), "bfd");
    EXPECT_EQ(table_.find(7)->downs, 0U);
}

TEST_F(PeersWithBoth, AdministrativelyDownIsNoFailureEvenIfNobodyElseAnswers) {
    set(SessionState::down, Reason::unanswered, "probe");
    speaks(SessionState::up, BfdState::up);
    told();
    speaks(SessionState::down, BfdState::admin_down);
    EXPECT_THAT(told(), testing::ElementsAre(BfdState::admin_down));
    set(SessionState::up, Reason::none, "probe");
    EXPECT_THAT(told(), testing::ElementsAre(BfdState::up));
}

// The session was adopted: the process before had chosen by it.
TEST_F(PeersWithBoth, AProcessThatStartsGoesOnByBfd) {
    set(SessionState::up, Reason::none, "probe");
    speaks(SessionState::down, BfdState::down);
    EXPECT_THAT(told(), testing::ElementsAre(BfdState::down));
    EXPECT_EQ(answerer(), "bfd");
}

TEST_F(PeersWithBoth, WhatIsMadeAndDoesNotAnswerIsSpare) {
    PeerWays made{.probe = match("probe"), .bfd = PeerMatch{.session = "bfd", .wish = SessionWish{.name = "x"}}};
    table_.match_again([&](const AskedSession&) { return made; });
    set(SessionState::up, Reason::none, "probe");
    speaks(SessionState::down, BfdState::down, false);
    told();
    EXPECT_THAT(table_.spare(), testing::ElementsAre("bfd"));
    speaks(SessionState::up, BfdState::up);
    told();
    EXPECT_THAT(table_.spare(), IsEmpty());
}

TEST_F(PeersWithBoth, AWayThatIsRefusedLeavesTheOther) {
    set(SessionState::up, Reason::none, "probe");
    table_.note_refused("bfd", "too many intervals");
    EXPECT_EQ(answerer(), "probe");
    EXPECT_THAT(table_.problems(), IsEmpty());
    table_.note_refused("probe", "too many sessions");
    EXPECT_EQ(table_.find(7)->match.trouble, "too many sessions");
}

TEST_F(Peers, AFarewellIsNoFailure) {
    set(SessionState::up);
    add(7);
    news();
    const auto last = table_.farewell(now_);
    ASSERT_THAT(last, SizeIs(1));
    EXPECT_EQ(last[0].change.state, BfdState::admin_down);
}

TEST_F(Peers, ThereIsALimit) {
    for (std::uint32_t i = 1; i <= kMostPeers; ++i) add(i);
    const std::vector<std::uint8_t> frame{1};
    EXPECT_FALSE(table_.add({.discriminator = kMostPeers + 1}, frame, {}, now_));
    EXPECT_TRUE(table_.add({.discriminator = 1}, frame, {}, now_)) << "an update is none more";
}

}  // namespace
}  // namespace sidestep::bfd
