// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A problem is logged when it comes, and again when it comes back.
#include "detector/app/problem_log.hpp"

#include <memory>
#include <sstream>

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

namespace sidestep {
namespace {

class ProblemLogTest : public testing::Test {
  protected:
    ProblemLogTest() {
        auto logger = std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_));
        logger->set_pattern("%l %v");
        spdlog::set_default_logger(std::move(logger));
    }
    ~ProblemLogTest() override { spdlog::set_default_logger(before_); }

    std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
    std::ostringstream text_;
};

TEST_F(ProblemLogTest, EachProblemOnceUntilItEnds) {
    ProblemLog problem;
    problem.note({});
    EXPECT_FALSE(problem.exists());
    problem.note(fail("a"), "no: ");
    problem.note(fail("a"), "no: ");
    EXPECT_TRUE(problem.exists());
    problem.note(fail("b"));
    problem.note({});
    EXPECT_FALSE(problem.exists());
    problem.note(fail("b"));
    EXPECT_EQ(text_.str(), "warning no: a\nwarning b\nwarning b\n");
}

}  // namespace
}  // namespace sidestep
