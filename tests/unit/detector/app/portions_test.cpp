// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Lists in portions: what they contain, and that no portion takes long.
#include "detector/app/portions.hpp"

#include <algorithm>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "detector/app/answer_metrics.hpp"
#include "tests/unit/detector/engine/square.hpp"

namespace sidestep {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::ElementsAre;

std::vector<std::size_t> sizes;  ///< of the text after each portion

json whole(const ApiPortions& portions) {
    sizes.clear();
    std::string text;
    for (bool more = true; more;) {
        more = portions(text);
        sizes.push_back(text.size());
    }
    return json::parse(text);
}

TEST(Portions, AListHasAllThatIsStillThere) {
    const auto list = [](std::vector<int> numbers) {
        return whole(list_in_portions(
            "[", std::move(numbers),
            [](std::string& text, int number) {
                text += std::to_string(number);
                return number % 2 == 1;
            },
            "]"));
    };
    EXPECT_EQ(list({}), json::array());
    EXPECT_EQ(list({2}), json::array());
    EXPECT_EQ(list({2, 1, 4, 3, 6}), json({1, 3}));
    EXPECT_EQ(sizes.size(), 1) << "they are short";
}

TEST(Portions, EachTakesAFractionOfAMillisecond) {
    const auto slow = list_in_portions(
        "[", std::vector<int>(10),
        [](std::string& text, int) {
            std::this_thread::sleep_for(2 * kPortion);
            text += "1";
            return true;
        },
        "]");
    EXPECT_EQ(whole(slow).size(), 10);
    EXPECT_EQ(sizes.size(), 10);
    const auto both = one_after_the_other(list_in_portions(
                                              "{\"a\":[", std::vector<int>(1),
                                              [](std::string& text, int) {
                                                  text += '1';
                                                  return true;
                                              },
                                              "],"),
                                          [](std::string& text) {
                                              text += "\"b\":2}";
                                              return false;
                                          });
    EXPECT_EQ(whole(both), json({{"a", {1}}, {"b", 2}}));
}

TEST(Portions, TextIsEscapedWhereItHasToBe) {
    for (const std::string text : {"plain", "", "a\"b\\c", "new\nline", "\xc3\xa9"}) {
        std::string answer;
        append_text(answer, text);
        EXPECT_EQ(json::parse(answer), text);
    }
    std::string broken;
    append_text(broken, "\xff");
    EXPECT_TRUE(json::accept(broken));
}

class AnswerMetrics : public EngineTest {
  protected:
    [[nodiscard]] ApiPortions portions() const {
        return answer_metrics(*engine_, history_, [](std::uint32_t /*flow*/) { return nullptr; });
    }
    [[nodiscard]] json answer() const { return whole(portions()); }

    SessionHistory history_;
};

TEST_F(AnswerMetrics, HasARowForEachSessionAndPolicy) {
    ASSERT_TRUE(engine_->apply(desired_of(square()), kNow));
    history_.note({{"session", "A-C"},
                   {"event", "down"},
                   {"state", "down"},
                   {"reason", "carrier-lost"},
                   {"time", "2023-11-14T22:13:20.500000Z"}});
    auto& shared = engine_->sessions().shared(*engine_->sessions().find("A-B"));
    shared.tx.sent = 500;
    shared.rx.rtt_histogram[4] = 7;
    shared.rx.rtt_histogram[6] = 1;
    const auto found = answer();
    const auto& sessions = found["sessions"];
    EXPECT_THAT(sessions["columns"],
                ElementsAre("name", "kind", "interface", "state", "sent", "lost", "last_change_ms", "downs", "rtt"));
    ASSERT_EQ(sessions["rows"].size(), 2);
    EXPECT_EQ(sessions["rows"][0], json::parse(R"(["A-B",0,"to-B",0,500,0,null,[],[4,7,6,1]])"));
    EXPECT_EQ(sessions["rows"][1], json::parse(R"(["A-C",0,"to-C",0,0,0,1700000000500,[2,1],[]])"));
    EXPECT_EQ(found["reasons"][2], "carrier-lost");
    EXPECT_EQ(found["states"][0], "init");
    EXPECT_EQ(found["kinds"][0], "adjacency");
    EXPECT_EQ(found["policies"], json::parse(R"({"columns":["name","active","copies","undrained_active",)"
                                             R"("undrained_copies"],"rows":[["to-D",-1,null,null,null]]})"));
    EXPECT_EQ(found["merging"], json::array());
}

TEST_F(AnswerMetrics, LeavesOutWhatEndsMeanwhile) {
    ASSERT_TRUE(engine_->apply(desired_of(square()), kNow));
    const auto begun = portions();
    auto fewer = square();
    fewer.adjacencies.erase(fewer.adjacencies.begin());
    fewer.policies.clear();
    ASSERT_TRUE(engine_->apply(desired_of(fewer), kNow));
    const auto found = whole(begun);
    ASSERT_EQ(found["sessions"]["rows"].size(), 1);
    EXPECT_EQ(found["sessions"]["rows"][0][0], "A-C");
    EXPECT_TRUE(found["policies"]["rows"].empty());
}

}  // namespace
}  // namespace sidestep
