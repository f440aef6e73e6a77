// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/service/journal_sink.hpp"

#include <sys/stat.h>

#include <cstdlib>
#include <mutex>
#include <utility>

#include <fmt/format.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include "common/log_fields.hpp"
#include "detector/service/datagram.hpp"

namespace sidestep {
namespace {

constexpr std::size_t kLongestMessage = 65'536;  // a datagram has room for some more
constexpr std::string_view kCut = " [...]";

/// Priorities of syslog(3).
char priority_of(spdlog::level::level_enum level) {
    switch (level) {
        case spdlog::level::critical:
            return '2';
        case spdlog::level::err:
            return '3';
        case spdlog::level::warn:
            return '4';
        case spdlog::level::info:
            return '6';
        default:
            return '7';
    }
}

class JournalSink final : public spdlog::sinks::base_sink<std::mutex> {
  public:
    JournalSink(std::string_view identifier, DatagramSender sender)
        : identifier_(identifier), sender_(std::move(sender)) {}

  protected:
    void sink_it_(const spdlog::details::log_msg& line) override {
        if (lost_ > 0 &&
            send(spdlog::level::warn, fmt::format("{} log lines were not taken by the journal", lost_), false)) {
            lost_ = 0;
        }
        if (!send(line.level, {line.payload.data(), line.payload.size()}, true)) ++lost_;
    }
    void flush_() override {}

  private:
    bool send(spdlog::level::level_enum level, std::string_view text, bool with_fields) const {
        std::string entry;
        std::string shorter;
        if (text.size() > kLongestMessage) {
            shorter = std::string(text.substr(0, kLongestMessage)) + std::string(kCut);
            text = shorter;
        }
        append_journal_field(entry, "MESSAGE", text);
        append_journal_field(entry, "PRIORITY", {std::string(1, priority_of(level))});
        append_journal_field(entry, "SYSLOG_IDENTIFIER", identifier_);
        if (with_fields) {
            LogFields::for_each([&](auto name, auto value) { append_journal_field(entry, name, value); });
        }
        return sender_.send(entry);
    }

    std::string identifier_;
    DatagramSender sender_;
    std::uint64_t lost_ = 0;
};

}  // namespace

bool logs_to_journal() {
    const char* stream = std::getenv("JOURNAL_STREAM");  // NOLINT(concurrency-mt-unsafe): before any thread
    struct stat status {};
    if (stream == nullptr || ::fstat(STDERR_FILENO, &status) != 0) return false;
    return stream == fmt::format("{}:{}", status.st_dev, status.st_ino);
}

void append_journal_field(std::string& entry, std::string_view name, std::string_view value) {
    entry += name;
    if (value.find('\n') == std::string_view::npos) {
        entry += '=';
    } else {
        entry += '\n';
        for (unsigned shift = 0; shift < 64; shift += 8) entry += static_cast<char>(value.size() >> shift & 0xffU);
    }
    entry += value;
    entry += '\n';
}

Result<std::shared_ptr<spdlog::sinks::sink>> make_journal_sink(std::string_view identifier, std::string_view socket) {
    auto sender = DatagramSender::to(socket);
    if (!sender) return std::unexpected(sender.error());
    return std::make_shared<JournalSink>(identifier, std::move(*sender));
}

}  // namespace sidestep
