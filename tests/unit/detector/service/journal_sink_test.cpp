// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Tests the entries that the journal gets, with a socket of our own in its place.
#include "detector/service/journal_sink.hpp"

#include <sys/stat.h>

#include <cstdlib>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include "common/log_fields.hpp"
#include "tests/unit/detector/service/fake_socket.hpp"

namespace sidestep {
namespace {

using namespace std::string_literals;
using testing::Eq;
using testing::HasSubstr;
using testing::Optional;
using testing::SizeIs;

struct Log {
    FakeSocket journal;
    spdlog::logger logger{"test", make_journal_sink("sidestepd", journal.path()).value()};
};

TEST(JournalSink, AnEntryHasMessagePriorityAndIdentifier) {
    Log log;
    log.logger.warn("session {}: down", "A-B");
    EXPECT_THAT(log.journal.receive(),
                Optional(Eq("MESSAGE=session A-B: down\nPRIORITY=4\nSYSLOG_IDENTIFIER=sidestepd\n")));
    log.logger.error("x");
    EXPECT_THAT(log.journal.receive(), Optional(HasSubstr("\nPRIORITY=3\n")));
    log.logger.info("x");
    EXPECT_THAT(log.journal.receive(), Optional(HasSubstr("\nPRIORITY=6\n")));
}

TEST(JournalSink, FieldsOfTheMomentAreAdded) {
    Log log;
    {
        const LogFields outer(std::vector<LogFields::Field>{{"SESSION", "A-B"}});
        const LogFields inner({{"STATE", "down"}, {"REASON", "unanswered"}});
        log.logger.info("x");
    }
    EXPECT_THAT(log.journal.receive(), Optional(HasSubstr("STATE=down\nREASON=unanswered\nSESSION=A-B\n")));
    log.logger.info("x");
    EXPECT_THAT(log.journal.receive(), Optional(testing::Not(HasSubstr("SESSION="))));
}

TEST(JournalSink, ALineCannotMakeFieldsOfItsOwn) {
    Log log;
    log.logger.info("one\nPRIORITY=0");
    EXPECT_THAT(log.journal.receive(), Optional(Eq("MESSAGE\n\x0e\0\0\0\0\0\0\0one\nPRIORITY=0\n"
                                                   "PRIORITY=6\nSYSLOG_IDENTIFIER=sidestepd\n"s)));
}

TEST(JournalSink, ALongLineIsCut) {
    Log log;
    log.logger.info(std::string(1U << 20U, 'x'));
    const auto entry = log.journal.receive();
    EXPECT_THAT(entry, Optional(HasSubstr("x [...]\n")));
    EXPECT_LT(entry->size(), 70'000U);
}

TEST(JournalSink, LinesThatAreNotTakenAreCounted) {
    Log log;
    log.journal.close();
    log.logger.info("lost");
    log.logger.info("lost, too");
    log.journal.listen();
    log.logger.info("here");
    EXPECT_THAT(log.journal.receive(), Optional(HasSubstr("MESSAGE=2 log lines were not taken by the journal\n")));
    EXPECT_THAT(log.journal.receive(), Optional(HasSubstr("MESSAGE=here\n")));
}

TEST(JournalSink, IsForAStandardErrorThatIsTheJournal) {
    EXPECT_FALSE(logs_to_journal());
    struct stat status {};
    ASSERT_EQ(::fstat(STDERR_FILENO, &status), 0);
    ::setenv("JOURNAL_STREAM", fmt::format("{}:{}", status.st_dev, status.st_ino).c_str(), 1);
    EXPECT_TRUE(logs_to_journal());
    ::setenv("JOURNAL_STREAM", "1:1", 1);  // standard error was redirected
    EXPECT_FALSE(logs_to_journal());
    ::unsetenv("JOURNAL_STREAM");
}

}  // namespace
}  // namespace sidestep
