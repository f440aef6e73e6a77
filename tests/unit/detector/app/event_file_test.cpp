// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests that events survive the process, whatever ends it, and that the file stays small.
#include "detector/app/event_file.hpp"

#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace sidestep {
namespace {

using nlohmann::json;

class EventFileTest : public testing::Test {
  protected:
    void TearDown() override { std::filesystem::remove(path_); }
    static json event(std::size_t number) { return {{"session", "A-B"}, {"number", number}}; }
    [[nodiscard]] std::size_t lines() const {
        std::ifstream in(path_);
        std::size_t count = 0;
        for (std::string line; std::getline(in, line);) ++count;
        return count;
    }

    std::string path_ =
        (std::filesystem::temp_directory_path() / fmt::format("sidestep-{}.events", ::getpid())).string();
};

TEST_F(EventFileTest, TheNextProcessReadsWhatThisOneWrote) {
    EventFile first(path_);
    EXPECT_TRUE(first.load().empty());
    first.append(event(1));
    first.append(event(2));
    EventFile second(path_);  // the first one has ended without a word
    EXPECT_THAT(second.load(), testing::ElementsAre(event(1), event(2)));
    second.append(event(3));
    EXPECT_THAT(EventFile(path_).load(), testing::ElementsAre(event(1), event(2), event(3)));
}

TEST_F(EventFileTest, KeepsTheLastOnes) {
    EventFile file(path_);
    (void)file.load();
    for (std::size_t i = 0; i < 3 * EventFile::kKept; ++i) {
        file.append(event(i));
        if (i % 1000 == 0) {
            EXPECT_LE(lines(), 2 * EventFile::kKept);
        }
    }
    EXPECT_LE(lines(), 2 * EventFile::kKept);
    const auto events = EventFile(path_).load();
    ASSERT_EQ(events.size(), EventFile::kKept);
    EXPECT_EQ(events.back(), event(3 * EventFile::kKept - 1));
    EXPECT_EQ(events.front(), event(2 * EventFile::kKept));
}

TEST_F(EventFileTest, TheAnswerHasOurOwnInTheOrderOfTheirTimes) {
    const auto at = [](int time) { return json{{"session", "A-B"}, {"time_ns", time}}; };
    EventFile first(path_);
    (void)first.load();
    EXPECT_EQ(json::parse(first.answer()), json({{"events", json::array()}}));
    first.append(at(900));  // before the machine was started again
    EventFile second(path_);
    (void)second.load();
    for (const int time : {20, 30, 10}) second.append(at(time));
    EXPECT_EQ(json::parse(second.answer()), json({{"events", {at(900), at(10), at(20), at(30)}}}));
    for (std::size_t i = 0; i < EventFile::kKept; ++i) second.append(at(5));
    const auto last = json::parse(second.answer())["events"];
    ASSERT_EQ(last.size(), EventFile::kKept);
    EXPECT_EQ(last.front(), at(5)) << "nothing of the other process is left";
}

TEST_F(EventFileTest, BrokenLinesAreLeftOut) {
    std::ofstream(path_) << "{\"session\": \"A-B\", \"number\": 1}\nnoise\n[]\n{}\n{\"session\": \"half";
    EventFile file(path_);
    EXPECT_THAT(file.load(), testing::ElementsAre(event(1)));
    file.append(event(2));
    EXPECT_THAT(EventFile(path_).load(), testing::ElementsAre(event(1), event(2)));
}

TEST_F(EventFileTest, AFileThatCannotBeWrittenIsNoObstacle) {
    EventFile file("/nonexistent/A.events");
    EXPECT_TRUE(file.load().empty());
    file.append(event(1));
    file.append(event(2));
}

}  // namespace
}  // namespace sidestep
