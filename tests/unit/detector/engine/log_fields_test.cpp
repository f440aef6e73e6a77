// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests that the log line of a transition has the fields by which a journal is searched.
#include "common/log_fields.hpp"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include "tests/unit/detector/engine/square.hpp"

namespace sidestep {
namespace {

using Fields = std::map<std::string, std::string>;

/// Keeps the fields of each line.
class FieldsSink final : public spdlog::sinks::base_sink<std::mutex> {
  public:
    std::vector<Fields> lines;

  protected:
    void sink_it_(const spdlog::details::log_msg& /*line*/) override {
        Fields fields;
        LogFields::for_each([&](auto name, auto value) { fields.emplace(name, value); });
        lines.push_back(std::move(fields));
    }
    void flush_() override {}
};

TEST_F(EngineTest, TransitionsAreLoggedWithFields) {
    const auto sink = std::make_shared<FieldsSink>();
    const auto usual = spdlog::default_logger();
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", sink));
    start();
    tell("A-B", SS_EVENT_DEAD);
    spdlog::set_default_logger(usual);
    EXPECT_THAT(sink->lines,
                testing::Contains(Fields{{"SESSION", "A-B"}, {"STATE", "down"}, {"REASON", "unanswered"}}));
}

}  // namespace
}  // namespace sidestep
