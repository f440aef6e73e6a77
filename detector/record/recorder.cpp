// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/record/recorder.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "detector/core/client_sessions.hpp"
#include "detector/record/event_json.hpp"
#include "detector/record/input_json.hpp"
#include "detector/record/replay.hpp"

namespace sidestep::record {
namespace {

using nlohmann::json;

/// What ends with the process may lack this much of doing nothing.
constexpr Nanoseconds kLongestIdle = std::chrono::seconds(10);

/// True for an empty file, and for one that begins as recordings do: what else it is may be precious.
bool is_recording(int file, off_t size) {
    constexpr std::string_view kBegin = R"({"in":)";
    std::array<char, kBegin.size()> begin{};
    return size == 0 || (::pread(file, begin.data(), begin.size(), 0) == static_cast<ssize_t>(begin.size()) &&
                         std::string_view(begin.data(), begin.size()) == kBegin);
}

/// Where the last whole line ends: a process that was killed may have left a part of one.
Result<off_t> end_of_lines(int file, off_t size) {
    std::array<char, 4096> block{};
    for (auto end = size; end > 0;) {
        const auto length = std::min<off_t>(end, block.size());
        const auto got = ::pread(file, block.data(), static_cast<std::size_t>(length), end - length);
        if (got != length) return fail_errno("cannot read the recording");
        const auto newline = std::string_view(block.data(), static_cast<std::size_t>(got)).rfind('\n');
        if (newline != std::string_view::npos) return end - length + static_cast<off_t>(newline) + 1;
        end -= length;
    }
    return 0;
}

/// Whether the engine may look at memory for this.
bool looks_at_memory(const EngineInput& input) {
    const auto* neighbor = std::get_if<NeighborChange>(&input);
    return std::holds_alternative<NamedVerdict>(input) || std::holds_alternative<TimersDue>(input) ||
           std::holds_alternative<Comparison>(input) ||
           (neighbor != nullptr && neighbor->status == NeighborStatus::failed);
}

json saved_json(const SavedSessions& saved) {
    json list = json::array();
    for (const auto& [name, session] : saved)
        list.push_back({{"session", name},
                        {"state", static_cast<unsigned>(session.state)},
                        {"reason", static_cast<unsigned>(session.reason)}});
    return list;
}

}  // namespace

Result<Recorder> Recorder::open(const std::string& path, const Maps& maps) {
    Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600));
    if (!file) return fail_errno("cannot record to " + path);
    struct stat status {};
    if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode))
        return fail("cannot record to " + path + ": it is no file");
    if ((status.st_mode & 077U) != 0)
        return fail("cannot record to " + path + ": others can read or write it, chmod 600 it first");
    if (!is_recording(file.get(), status.st_size))
        return fail("cannot record to " + path + ": it is not empty, and no recording");
    const auto end = end_of_lines(file.get(), status.st_size);
    if (!end) return std::unexpected(end.error());
    if (*end != status.st_size && ::ftruncate(file.get(), *end) != 0) return fail_errno("cannot record to " + path);
    return Recorder(path, std::move(file), static_cast<std::size_t>(*end), maps);
}

void Recorder::start(const std::string& config, const SavedSessions& saved, Nanoseconds now) {
    write({{"in", "start"}, {"version", SIDESTEP_VERSION}, {"layout", SS_ABI_VERSION}, {"saved", saved_json(saved)}});
    for (const auto& line : adopted_lines(maps_)) write(line);
    reconfigure(config, now);
}

void Recorder::reconfigure(const std::string& config, Nanoseconds now) {
    write_idle();
    write({{"in", "config"}, {"at", now.count()}, {"text", config}});
}

void Recorder::note(const EngineInput& input, Nanoseconds now) {
    if (!file_) return;
    const auto changes = looks_at_memory(input) ? memory_.changes() : json();
    if (std::holds_alternative<Comparison>(input) && changes.is_null()) {
        if (idle_.count == 0) idle_.first = now;
        ++idle_.count;
        idle_.before_last = std::exchange(idle_.last, now);
        if (now - idle_.first >= kLongestIdle) write_idle();
        return;
    }
    write_idle();
    if (!changes.is_null()) write(changes);
    write(to_json(TimedInput{.input = input, .at = now}));
}

/// The last one has a line of its own, with its time: what comes next may be its doing.
void Recorder::write_idle() {
    const auto idle = std::exchange(idle_, {});
    if (idle.count > 1)
        write({{"in", "comparisons"},
               {"first", idle.first.count()},
               {"at", idle.before_last.count()},
               {"count", idle.count - 1}});
    if (idle.count > 0) write(to_json(TimedInput{.input = Comparison(), .at = idle.last}));
}

/// A replay has no clients.
void Recorder::note(const LoggedEvent& event) {
    if (event.session.starts_with(kClientPrefix)) return;
    write_idle();
    write({{"out", "event"}, {"event", sidestep::to_json(event)}});
}

/// A line is written at once: what precedes a crash matters most.
void Recorder::write(const json& line) {
    if (!file_) return;
    const auto text = line.dump(-1, ' ', false, json::error_handler_t::replace) + '\n';
    const bool fits = size_ + text.size() <= kLargestRecording;
    errno = ENOSPC;  // what a part of a line means
    if (fits && ::write(file_.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size())) {
        size_ += text.size();
        return;
    }
    trouble_ = fmt::format("{} has ended: {}", path_, fits ? std::strerror(errno) : "it is as large as it may be");
    std::ignore = ::ftruncate(file_.get(), static_cast<off_t>(size_));  // without the half of a line
    file_.reset();
}

}  // namespace sidestep::record
