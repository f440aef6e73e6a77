// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the screen of `sidestep top` as lines, without a terminal.
#include "cli/top_screen.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::Each;
using testing::Field;
using testing::HasSubstr;
using testing::Not;

json session(const std::string& name, const std::string& state, int sent) {
    return {{"name", name},    {"state", state},  {"reason", state == "up" ? "none" : "unanswered"},
            {"rtt_us", 12.34}, {"lost_of_64", 3}, {"downs", 1},
            {"sent", sent}};
}

json policy(std::uint64_t packets, int active) {
    json candidates = json::array();
    for (int i = 0; i < 2; ++i)
        candidates.push_back({{"index", i},
                              {"adjacency", i == 0 ? "A-B" : "A-C"},
                              {"segments", i == 0 ? json::array() : json{"fd00:c::", "fd00:d::"}},
                              {"active", i == active},
                              {"packets", packets}});
    return {{"name", "far"}, {"candidates", candidates}};
}

TopSample sample(std::chrono::seconds at, int sent, std::uint64_t packets, int active = 1) {
    return {.status = {{"node", "A"},
                       {"uptime_ms", 5000},
                       {"clock", {{"kind", "kernel"}, {"tick_us", 250}, {"recent_gap_us", 300}}},
                       {"sessions", {{"up", 1}, {"down", 1}, {"wait", 0}}},
                       {"policies", 7},
                       {"rerouting", 1},
                       {"counters", {{"repaired", packets}}}},
            .sessions = {{"sessions", {session("A-B", "down", sent), session("A-C", "up", sent)}}, {"matching", 2}},
            .policies = {{"policies", {policy(packets, active)}}, {"matching", 1}},
            .at = std::chrono::steady_clock::time_point(at)};
}

std::string text_of(const std::vector<TopLine>& lines) {
    std::string text;
    for (const auto& line : lines) text += line.text + '\n';
    return text;
}

TEST(TopScreen, ShowsRatesBetweenTwoLooks) {
    const auto text = text_of(render(sample(10s, 1000, 500), sample(12s, 3000, 2500), {}, 80, 24));
    EXPECT_THAT(text, HasSubstr("sessions 1 up, 1 down   policies 7, 1 rerouting   repaired 1000/s"));
    EXPECT_THAT(text, HasSubstr(fmt::format("{:<20} {:<10} {:<15} {:>8} {:>7} {:>6} {:>8}\n", "A-B", "down",
                                            "unanswered", "12.3", 3, 1, 1000)));
    EXPECT_THAT(text, HasSubstr(fmt::format("{:<22} {:<46} {:>10}\n", "far", "1: A-C fd00:c:: fd00:d::", 1000)));
}

TEST(TopScreen, WithoutAnEarlierLookThereAreNoRates) {
    EXPECT_THAT(text_of(render(std::nullopt, sample(10s, 1000, 500), {}, 80, 24)), HasSubstr("repaired -/s"));
}

TEST(TopScreen, ACounterThatBeganAnewHasNoRate) {
    EXPECT_THAT(text_of(render(sample(10s, 1000, 500), sample(12s, 10, 2), {}, 80, 24)), HasSubstr("repaired -/s"));
}

TEST(TopScreen, APolicyThatChangedItsCandidateHasNoRate) {
    const auto text = text_of(render(sample(10s, 1000, 500, 0), sample(12s, 3000, 2500, 1), {}, 80, 24));
    EXPECT_THAT(text, HasSubstr(fmt::format("{:<46} {:>10}\n", "1: A-C fd00:c:: fd00:d::", "-")));
}

TEST(TopScreen, SaysThatAllCandidatesAreDown) {
    EXPECT_THAT(text_of(render(std::nullopt, sample(10s, 1, 1, -1), {}, 80, 24)),
                HasSubstr("none: all candidates are down"));
}

TEST(TopScreen, SaysThatNobodyAnswersWhereProblemsAre) {
    TopView view;
    view.outage = "no answer for 3 s, trying again: gone";
    EXPECT_EQ(render(std::nullopt, sample(10s, 1, 1), view, 80, 24)[2].text, view.outage);
}

// A pipe has no keys and no height.
TEST(TopScreen, PrintsWhatIsThereAndNothingElse) {
    auto many = sample(12s, 3000, 2500);
    for (int i = 0; i < 100; ++i) many.sessions["sessions"].push_back(session(fmt::format("x{}", i), "wait", 1));
    many.sessions["matching"] = 102;
    const auto text = print_out(sample(10s, 1000, 500), many, {});
    EXPECT_THAT(text, HasSubstr("repaired 1000/s"));
    EXPECT_THAT(text, HasSubstr("\nx30 "));
    EXPECT_THAT(text, HasSubstr("and 62 more"));
    EXPECT_THAT(text, Not(HasSubstr("q quit")));
    EXPECT_THAT(text, Not(HasSubstr("\n\n")));
}

TEST(TopScreen, NeverIsLargerThanTheTerminal) {
    auto many = sample(10s, 1, 1);
    for (int i = 0; i < 100; ++i) {
        many.sessions["sessions"].push_back(session(std::string(60, 'x'), "wait", 1));
        many.policies["policies"].push_back(policy(1, 1));
    }
    many.sessions["matching"] = 4096;
    many.status["problems"] = {{{"about", "A-B"}, {"problem", std::string(500, 'p')}}};
    for (std::size_t height = 1; height < 60; ++height) {
        for (const std::size_t width : {20UL, 80UL}) {
            const auto lines = render(std::nullopt, many, {}, width, height);
            EXPECT_EQ(lines.size(), height);
            for (const auto& line : lines) EXPECT_LE(line.text.size(), width);
        }
    }
    EXPECT_THAT(text_of(render(std::nullopt, many, {}, 80, 24)), HasSubstr("and 4084 more"));
}

TEST(TopScreen, MarksWhatIsSelectedAndWhatIsBad) {
    TopView view;
    view.selected = 1;
    const auto lines = render(std::nullopt, sample(10s, 1, 1), view, 80, 24);
    EXPECT_EQ(lines[4].style, TopStyle::bad);
    EXPECT_EQ(lines[5].style, TopStyle::chosen);
}

TEST(TopScreen, ShowsWhatIsTypedInsteadOfTheLastMessage) {
    TopView view;
    view.message = "done";
    view.prompt = "drain A-B? (y/n)";
    EXPECT_EQ(render(std::nullopt, sample(10s, 1, 1), view, 80, 24)[22].text, "drain A-B? (y/n)");
    view.prompt.clear();
    EXPECT_EQ(render(std::nullopt, sample(10s, 1, 1), view, 80, 24)[22].text, "done");
}

}  // namespace
}  // namespace sidestep
