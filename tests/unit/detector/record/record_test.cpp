// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests that what an engine is told can be written down, and that another engine makes the same of it.
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "common/file.hpp"
#include "detector/config/config_file.hpp"
#include "detector/engine/engine.hpp"
#include "detector/maps/map_sizes.hpp"
#include "detector/maps/plain_maps.hpp"
#include "detector/record/input_json.hpp"
#include "detector/record/recorder.hpp"
#include "detector/record/replay.hpp"

namespace sidestep::record {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr auto kText = R"(node: {name: A, source-address: "fd00:a::1"}
probe: {wait-to-restore: 100ms}
adjacencies:
  - {name: A-B, interface: to-B, neighbor: "fe80::b", probe: {return-address: "fd00:ab::1"}}
)";
constexpr Nanoseconds kStart{100s};

Config config() {
    Complaints complaints;
    return read_config(kText, complaints).value();
}

/// A detector with a recorder, and the tick played by hand.
class Recording : public testing::Test {
  protected:
    void SetUp() override {
        auto recorder = Recorder::open(file_, maps_);
        ASSERT_TRUE(recorder) << recorder.error().message;
        recorder_.emplace(std::move(*recorder));
        begin();
    }
    ~Recording() override { std::filesystem::remove(file_); }

    /// As a process that starts, or the one after it.
    void begin() {
        recorder_->start(kText, {}, now_);
        engine_ = std::make_unique<Engine>(
            maps_, EngineHooks{
                       .resolve = [](int, const Address&) {},
                       .on_event = [this](const LoggedEvent& event) { recorder_->note(event); },
                       .linkdown_ignored = {},
                       .on_input = [this](const EngineInput& input, Nanoseconds now) { recorder_->note(input, now); }});
        ASSERT_TRUE(engine_->apply(desired_of(config()), now_));
        engine_->on_link({.ifindex = 7,
                          .name = "to-B",
                          .up = true,
                          .running = true,
                          .mtu = 1500,
                          .mac = MacAddress{2, 0, 0, 0, 0, 0xa}},
                         now_);
        engine_->on_address({.ifindex = 7, .address = *Address::parse("fd00:ab::1")});
        engine_->on_links_known(now_);
        engine_->on_neighbor({.ifindex = 7,
                              .address = *Address::parse("fe80::b"),
                              .status = NeighborStatus::usable,
                              .mac = MacAddress{2, 0, 0, 0, 0, 0xb}},
                             now_);
    }
    /// The tick's verdict, in memory; and its event, unless that is lost.
    void judge(ss_verdict verdict, bool told = true) {
        now_ += 10ms;
        auto& session = maps_.sessions[0];
        session.tx.verdict = verdict;
        session.tx.epoch = session.conf.epoch;
        session.tx.verdict_ns = static_cast<std::uint64_t>(now_.count());
        if (verdict == SS_DEAD) maps_.states[0].rank = SS_DOWN;
        ss_event event{};
        event.type = verdict == SS_DEAD ? SS_EVENT_DEAD : SS_EVENT_ALIVE;
        event.epoch = session.tx.epoch;
        event.time_ns = session.tx.verdict_ns;
        if (told) engine_->on_kernel_event(event, now_ + 1us);
    }
    void wait(Nanoseconds time) {
        now_ += time;
        engine_->run_timers(now_);
        engine_->reconcile(now_);
    }
    Replayed replayed() {
        const auto text = read_file(file_);
        auto result = replay(text.value_or(""));
        EXPECT_TRUE(result) << result.error().message;
        return result.value_or(Replayed{});
    }
    static std::vector<std::string> states(const std::vector<json>& events) {
        std::vector<std::string> result;
        for (const auto& event : events) result.push_back(event.at("state"));
        return result;
    }

    std::string file_ =
        (std::filesystem::temp_directory_path() / ("sidestep-record-" + std::to_string(getpid()))).string();
    Nanoseconds now_ = kStart;
    PlainMaps maps_{map_sizes(config())};
    std::optional<Recorder> recorder_;
    std::unique_ptr<Engine> engine_;
};

TEST_F(Recording, AReplayHasTheSameEvents) {
    judge(SS_ALIVE);
    judge(SS_DEAD);
    judge(SS_ALIVE);
    wait(200ms);
    engine_->on_admin(*engine_->sessions().find("A-B"), false, now_);
    engine_->on_admin(*engine_->sessions().find("A-B"), true, now_);
    const auto result = replayed();
    EXPECT_EQ(difference(result), "");
    EXPECT_THAT(states(result.events), testing::ElementsAre("up", "down", "wait", "up", "admin-down", "down"));
}

TEST_F(Recording, AVerdictThatIsOnlyInMemoryIsPartOfIt) {
    judge(SS_ALIVE);
    judge(SS_DEAD, false);
    wait(100ms);
    const auto result = replayed();
    EXPECT_EQ(difference(result), "");
    EXPECT_THAT(states(result.events), testing::ElementsAre("up", "down"));
}

TEST_F(Recording, AProbeThatIsOverdueIsPartOfIt) {
    judge(SS_ALIVE);
    wait(100ms);
    maps_.clock().last_tick_ns = static_cast<std::uint64_t>(now_.count());  // the clock ticks, and sends nothing
    for (int i = 0; i < 2; ++i) wait(100ms);
    const auto result = replayed();
    EXPECT_EQ(difference(result), "");
    EXPECT_THAT(states(result.events), testing::ElementsAre("up", "down"));
    EXPECT_EQ(result.events.back().at("reason"), "unprobed");
}

TEST_F(Recording, ASuccessorAdoptsInTheReplayToo) {
    judge(SS_ALIVE);
    judge(SS_DEAD);
    begin();
    judge(SS_ALIVE);
    const auto result = replayed();
    EXPECT_EQ(difference(result), "");
    EXPECT_THAT(states(result.events), testing::ElementsAre("up", "down", "wait"));
}

// Ten comparisons a second would fill the file in a week in which nothing happens.
TEST_F(Recording, ManyComparisonsOfWhichNothingCameAreOneLine) {
    judge(SS_ALIVE);
    const auto before = std::filesystem::file_size(file_);
    for (int i = 0; i < 36'000; ++i) {
        now_ += 100ms;
        engine_->reconcile(now_);
    }
    EXPECT_LT(std::filesystem::file_size(file_) - before, 100'000U) << "of an hour";
    judge(SS_DEAD, false);
    wait(100ms);
    const auto result = replayed();
    EXPECT_EQ(difference(result), "");
    EXPECT_EQ(states(result.events), states(result.recorded));
    EXPECT_EQ(result.events.back().at("state"), "down");
    EXPECT_GT(result.inputs, 36'000U);
}

TEST_F(Recording, SessionsOfClientsAreLeftOut) {
    LoggedEvent event;
    event.session = "client/x";
    recorder_->note(event);
    judge(SS_ALIVE);
    EXPECT_EQ(difference(replayed()), "");
}

TEST_F(Recording, OnlyItsOwnerReadsIt) {
    EXPECT_EQ(std::filesystem::status(file_).permissions() & std::filesystem::perms(077), std::filesystem::perms::none);
    EXPECT_THAT(Recorder::open("/dev/null", maps_).error().message, HasSubstr("no file"));
    std::filesystem::permissions(file_, std::filesystem::perms::group_read, std::filesystem::perm_options::add);
    EXPECT_THAT(Recorder::open(file_, maps_).error().message, HasSubstr("chmod 600"));
}

TEST_F(Recording, WhatIsNoRecordingStaysAsItIs) {
    for (const std::string precious : {"my: notes", "line\nline without end"}) {
        std::ofstream(file_) << precious;
        EXPECT_THAT(Recorder::open(file_, maps_).error().message, HasSubstr("no recording"));
        EXPECT_EQ(read_file(file_).value(), precious);
    }
}

TEST_F(Recording, ASuccessorWritesBehindTheLastWholeLine) {
    judge(SS_ALIVE);
    std::ofstream(file_, std::ios::app) << R"({"in":"tim)";
    auto successor = Recorder::open(file_, maps_);
    ASSERT_TRUE(successor) << successor.error().message;
    successor->note(EngineInput(LinksKnown()), now_);
    EXPECT_EQ(replayed().recorded.size(), 1U);
}

// Lines are written at once, inputs before their events: a full disk or kill -9 mostly comes between them.
TEST_F(Recording, WhereverItEndsItIsAsItWas) {
    for (int i = 0; i < 2; ++i) {
        judge(SS_ALIVE);
        judge(SS_DEAD);
        if (i == 0) begin();
    }
    const auto text = read_file(file_).value();
    const auto first = text.find('\n');
    std::size_t cut_off = 0;
    for (auto end = first; end != std::string::npos; end = text.find('\n', end + 1)) {
        const auto result = replay(text.substr(0, end + 1));
        ASSERT_TRUE(result) << result.error().message;
        EXPECT_EQ(difference(*result), "") << text.substr(0, end + 1);
        cut_off += result->cut_off ? 1 : 0;
    }
    EXPECT_EQ(cut_off, 4U) << "after each verdict";
    EXPECT_FALSE(replay(text.substr(first + 1))) << "without its start";
}

TEST_F(Recording, AFullFileIsNamed) {
    struct rlimit before {};
    ::getrlimit(RLIMIT_FSIZE, &before);
    const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
    const struct rlimit full { .rlim_cur = std::filesystem::file_size(file_), .rlim_max = before.rlim_max };
    EXPECT_EQ(recorder_->trouble(), "");
    ::setrlimit(RLIMIT_FSIZE, &full);
    judge(SS_ALIVE);
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, ignored);
    EXPECT_EQ(recorder_->trouble(), file_ + " has ended: File too large");
}

TEST_F(Recording, WhatDiffersIsNamed) {
    judge(SS_ALIVE);
    auto result = replayed();
    result.recorded.back()["state"] = "down";
    EXPECT_THAT(difference(result), HasSubstr("event 1 is "));
    result.recorded.clear();
    EXPECT_THAT(difference(result), HasSubstr("not recorded"));
}

TEST(Replay, ALineThatCannotBeReadIsNamed) {
    EXPECT_THAT(replay("{\"in\":\"timers\",\"at\":1}\n").error().message, HasSubstr("line 1: comes before"));
    for (const auto* foreign : {"nonsense\n", "[1]\n", "{\"in\":5}\n", "{\"node\":\"A\"}\n"})
        EXPECT_THAT(
            replay(foreign).error().message,
            AllOf(StartsWith("line 1: "), HasSubstr("no recording of sidestepd --record"), Not(HasSubstr("[json"))));
    for (const auto* empty : {"", R"({"in":"start")"}) EXPECT_EQ(replay(empty).error().message, "holds no recording");
    const std::string other = R"({"in":"start","version":"9","layout":1,"saved":[]})";
    EXPECT_TRUE(replay(other + "\n")) << "nothing depends on it";
    EXPECT_TRUE(replay(other + "\n{\"in\":\"tim")) << "a last line that was cut off";
    EXPECT_THAT(replay(other + "\n{\"in\":\"adopted\"}\n").error().message,
                HasSubstr("line 2: has memory of layout 1"));
}

// Recordings of the field: what happened then must happen again.
TEST(Replay, FindsInEachKeptRecordingWhatWasRecorded) {
    std::size_t found = 0;
    for (const auto& entry : std::filesystem::directory_iterator(SIDESTEP_SOURCE_DIR "/tests/data/recordings")) {
        if (entry.path().extension() != ".jsonl") continue;
        const auto text = read_file(entry.path());
        ASSERT_TRUE(text) << text.error().message;
        const auto replayed = replay(*text);
        ASSERT_TRUE(replayed) << entry.path() << ": " << replayed.error().message;
        EXPECT_EQ(difference(*replayed), "") << entry.path();
        EXPECT_FALSE(replayed->events.empty()) << entry.path();
        ++found;
    }
    EXPECT_GT(found, 0U);
}

TEST(InputJson, EachKindIsReadAsItWasWritten) {
    ss_event event{};
    event.type = SS_EVENT_DEAD;
    event.accused = 1ULL << 40;
    const std::vector<EngineInput> inputs{
        NamedVerdict{.session = "A-B", .event = event},
        LinkChange{.ifindex = 3, .name = "eth0", .ip_off = true, .mtu = 1280, .mac = MacAddress{1, 2, 3, 4, 5, 6}},
        NeighborChange{.ifindex = 3,
                       .address = *Address::parse("fe80::1"),
                       .status = NeighborStatus::failed,
                       .mac = std::nullopt,
                       .gone = true},
        AddressChange{.ifindex = 3, .address = *Address::parse("192.0.2.1"), .gone = true},
        LinksKnown{},
        ChangesSettled{},
        AdminCommand{.session = "A-B", .up = true},
        Rehearsal{.session = "A-B", .end = 5s},
        TimersDue{},
        Comparison{}};
    EXPECT_EQ(inputs.size(), std::variant_size_v<EngineInput>);
    for (const auto& input : inputs) {
        const auto line = to_json(TimedInput{.input = input, .at = 7ns});
        const auto read = input_of(json::parse(line.dump()));
        ASSERT_TRUE(read) << line.dump() << read.error().message;
        EXPECT_EQ(read->input.index(), input.index());
        EXPECT_EQ(to_json(*read), line);
    }
}

}  // namespace
}  // namespace sidestep::record
