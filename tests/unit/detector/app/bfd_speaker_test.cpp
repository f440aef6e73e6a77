// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The socket to bfdd, with a bfdd made here: connecting again, frames in pieces, nonsense, and a bfdd that does not read.
#include "detector/app/bfd_speaker.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "common/fd.hpp"
#include "tests/unit/detector/bfd/frames.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using bfd::Bytes;
using nlohmann::json;
using testing::HasSubstr;

class Speaker : public testing::Test {
  protected:
    void SetUp() override {
        std::string pattern = "/tmp/sidestep-bfd-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        directory_ = pattern;
        make_speaker();
        session_.state = SessionState::up;
    }
    void make_speaker() {
        speaker_.emplace(
            context_, directory_ + "/dplane.sock",
            BfdHooks{
                .match = [](const bfd::AskedSession& asked) -> bfd::PeerWays {
                    if (asked.multihop) return {.probe = bfd::PeerMatch{.trouble = "multihop"}};
                    return {.probe = bfd::PeerMatch{.session = "A-B"}};
                },
                .session = [this](const std::string&) { return std::optional(session_); },
                .counters = [](const std::string&) { return bfd::SessionCounters{.packets_in = 2, .packets_out = 4}; },
                .want = [](const auto&) { return std::map<std::string, std::string>(); },
                .gone = [this] { ++gone_; },
                .keep =
                    [this](int fd) {
                        kept_ = fd >= 0 && keeps_ ? Fd(::dup(fd)) : Fd();
                        return static_cast<bool>(kept_);
                    },
                .save = [this](const std::string& frames) { saved_ = frames; },
                .on_event = [this](const json& event) { events_.push_back(event); }});
    }
    void TearDown() override {
        speaker_.reset();
        std::filesystem::remove_all(directory_);
    }

    void listen() {
        std::filesystem::remove(directory_ + "/dplane.sock");
        listener_ = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        (directory_ + "/dplane.sock").copy(address.sun_path, sizeof address.sun_path - 1);
        ASSERT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        ASSERT_EQ(::listen(listener_.get(), 1), 0);
    }
    void accept() {
        now_ += 10s;  // whatever pause there was is over
        speaker_->tick(now_);
        bfdd_ = Fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        ASSERT_TRUE(bfdd_);
    }
    void meet() {
        ASSERT_NO_FATAL_FAILURE(listen());
        ASSERT_NO_FATAL_FAILURE(accept());
    }
    void write(std::span<const std::uint8_t> bytes) {
        ASSERT_EQ(::write(bfdd_.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
        settle();
    }
    /// Lets the loop do all that it can without waiting.
    void settle() {
        context_.restart();
        while (context_.poll() != 0) context_.restart();
    }
    /// All that bfdd has been told since it last looked.
    Bytes read() const {
        Bytes bytes(1U << 16U);
        const auto count = ::recv(bfdd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
        return bytes;
    }
    bool hung_up() const {
        std::uint8_t byte = 0;
        const auto count = ::recv(bfdd_.get(), &byte, 1, MSG_DONTWAIT | MSG_PEEK);
        return count == 0 || (count < 0 && errno == ECONNRESET);  // it left something unread
    }
    json answer() const { return speaker_->answer(now_); }

    boost::asio::io_context context_{1};
    std::string directory_;
    Fd listener_;
    Fd bfdd_;
    bfd::SessionView session_{.index = 4, .interval = 1ms, .multiplier = 3};
    std::vector<json> events_;
    int gone_ = 0;
    bool keeps_ = false;  ///< there is a service manager
    Fd kept_;
    std::string saved_;
    Nanoseconds now_{std::chrono::steady_clock::now().time_since_epoch()};
    std::optional<BfdSpeaker> speaker_;
};

// Offset 32 of a state change is the state.
TEST_F(Speaker, TellsTheStateAtOnceAndEachChange) {
    meet();
    write(bfd::captured_ipv6_peer());
    auto told = read();
    ASSERT_EQ(told.size(), 36U);
    EXPECT_EQ(told[32], 3) << "up";
    session_.state = SessionState::down;
    session_.reason = Reason::unanswered;
    EXPECT_EQ(speaker_->on_session("A-C", now_).size(), 0U);
    const auto events = speaker_->on_session("A-B", now_);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0]["state"], "frr-down");
    told = read();
    ASSERT_EQ(told.size(), 36U);
    EXPECT_EQ(told[32], 1) << "down";
    EXPECT_EQ(told[33], 1) << "control detection time expired";
    session_.state = SessionState::up;
    speaker_->tick(now_);  // an event was missed
    EXPECT_EQ(read()[32], 3);
    EXPECT_EQ(answer()["peers"][0]["ups"], 2);
}

TEST_F(Speaker, FramesMayComeInPiecesAndTogether) {
    meet();
    const auto frame = bfd::captured_ipv6_peer();
    for (const auto byte : frame) {
        EXPECT_EQ(answer()["peers"].size(), 0U);
        write({&byte, 1});
        speaker_->tick(now_);  // half a frame must not keep the loop busy: it is looked at every 100 ms
        settle();
    }
    EXPECT_EQ(answer()["peers"].size(), 1U);
    Bytes both = bfd::add_frame({.discriminator = 8});
    const auto ask = bfd::frame_of(1, 5, 7, {0, 0, 0, 8});
    both.insert(both.end(), ask.begin(), ask.end());
    read();
    write(both);
    const auto told = read();
    ASSERT_EQ(told.size(), 80U + 36U);
    EXPECT_EQ(told[3], 6) << "bfdd waits for counters: they come first";
    EXPECT_EQ(told[31], 2) << "packets in";
}

TEST_F(Speaker, AnswersInTheVersionThatBfddSpeaks) {
    meet();
    write(bfd::add_frame({.version = 2}));
    EXPECT_EQ(read()[0], 2);
    EXPECT_EQ(answer()["bfdd"]["version"], 2);
}

TEST_F(Speaker, ConnectsAgainAndStartsAnew) {
    EXPECT_THAT(speaker_->problems()["bfdd"], HasSubstr("not connected"));
    speaker_->tick(now_);
    EXPECT_THAT(speaker_->problems()["bfdd"], HasSubstr("start bfdd with --dplaneaddr unix:"));
    meet();
    EXPECT_TRUE(speaker_->problems().empty());
    write(bfd::captured_ipv6_peer());
    bfdd_.reset();
    settle();
    EXPECT_EQ(gone_, 1);
    EXPECT_EQ(answer()["peers"].size(), 0U);
    EXPECT_EQ(events_.back()["state"], "frr-gone");
    ASSERT_NO_FATAL_FAILURE(accept());
    write(bfd::captured_ipv6_peer());
    EXPECT_EQ(read()[32], 3);
    EXPECT_EQ(answer()["bfdd"]["connections"], 2);
}

TEST_F(Speaker, AnUnknownVersionEndsTheConnectionForAWhile) {
    meet();
    write(Bytes{3, 0, 0, 2, 0, 0, 0, 140});
    EXPECT_TRUE(hung_up());
    EXPECT_THAT(speaker_->problems()["bfdd"], HasSubstr("version 3"));
    speaker_->tick(std::chrono::steady_clock::now().time_since_epoch() + 100ms);  // the loop goes by the real time
    EXPECT_EQ(answer()["bfdd"]["connected"], false) << "it would only say the same again";
    ASSERT_NO_FATAL_FAILURE(accept());
    EXPECT_EQ(answer()["bfdd"]["connected"], true);
}

TEST_F(Speaker, AnOddMessageIsIgnoredAndNamed) {
    meet();
    write(bfd::frame_of(1, 2, 0, Bytes(20)));     // truncated
    write(bfd::frame_of(1, 4711, 0, {}));         // unknown
    write(bfd::frame_of(1, 5, 9, {0, 0, 0, 9}));  // counters of nobody: bfdd waits, so there is an answer
    EXPECT_EQ(read().size(), 80U);
    auto gone = bfd::add_frame({.discriminator = 9});
    gone[3] = 3;
    write(gone);
    EXPECT_EQ(answer()["bfdd"]["odd_messages"], 4);
    EXPECT_THAT(speaker_->problems()["bfdd's messages"], HasSubstr("did not add"));
    write(bfd::captured_ipv6_peer());
    EXPECT_EQ(read().size(), 36U) << "the rest goes on";
}

TEST_F(Speaker, ABfddThatDoesNotReadIsDropped) {
    meet();
    write(bfd::captured_ipv6_peer());
    for (int i = 0; i < 60'000; ++i) {
        session_.state = i % 2 == 0 ? SessionState::down : SessionState::up;
        speaker_->on_session("A-B", now_);
    }
    speaker_->tick(now_);
    EXPECT_EQ(answer()["bfdd"]["connected"], false);
    EXPECT_THAT(speaker_->problems()["bfdd"], HasSubstr("does not read"));
}

TEST_F(Speaker, APlannedEndIsNoFailure) {
    meet();
    write(bfd::captured_ipv6_peer());
    read();
    speaker_->leave(true, now_);
    const auto told = read();
    ASSERT_EQ(told.size(), 36U);
    EXPECT_EQ(told[32], 0) << "administratively down";
    EXPECT_TRUE(hung_up());
    EXPECT_EQ(events_.back()["state"], "frr-unwatched");
}

// As when a process is killed: whoever gets the socket knows what was asked for on it.
TEST_F(Speaker, TheNextProcessGoesOnWithTheSocket) {
    keeps_ = true;
    meet();
    write(bfd::captured_ipv6_peer());
    write(bfd::add_frame({.discriminator = 8}));
    auto gone = bfd::add_frame({.discriminator = 8});
    gone[3] = 3;
    write(gone);
    read();
    const auto unread = bfd::add_frame({.discriminator = 9});  // comes while there is no process
    ASSERT_EQ(::write(bfdd_.get(), unread.data(), unread.size()), static_cast<ssize_t>(unread.size()));
    const auto frame = bfd::captured_ipv6_peer();
    EXPECT_EQ(saved_, std::string(frame.begin(), frame.end()));
    auto kept = std::move(kept_);
    make_speaker();
    session_.state = SessionState::down;
    session_.reason = Reason::unanswered;
    speaker_->resume(std::move(kept), saved_, now_);
    settle();
    EXPECT_FALSE(hung_up());
    const auto told = read();
    ASSERT_EQ(told.size(), 2 * 36U) << "both peers are told what has become of them";
    EXPECT_EQ(told[32], 1);
    EXPECT_EQ(answer()["peers"].size(), 2U);
    speaker_->leave(true, now_);
    EXPECT_TRUE(read().empty()) << "bfdd does not notice a restart";
    EXPECT_FALSE(hung_up());
}

TEST_F(Speaker, ASocketOfWhichNothingIsKnownIsClosed) {
    keeps_ = true;
    meet();
    auto kept = std::move(kept_);
    make_speaker();
    speaker_->resume(std::move(kept), "", now_);
    EXPECT_TRUE(hung_up()) << "bfdd asks again on the next one";
    ASSERT_NO_FATAL_FAILURE(accept());
    auto other = std::move(kept_);
    make_speaker();
    speaker_->resume(std::move(other), "nonsense", now_);
    EXPECT_TRUE(hung_up());
    EXPECT_TRUE(saved_.empty());
}

}  // namespace
}  // namespace sidestep
