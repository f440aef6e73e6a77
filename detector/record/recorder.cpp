// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/record/recorder.hpp"

#include <sys/stat.h>

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "detector/core/client_sessions.hpp"
#include "detector/record/event_json.hpp"
#include "detector/record/input_json.hpp"

namespace sidestep::record {
namespace {

using nlohmann::json;

constexpr std::size_t kLargest = std::size_t{256} << 20U;  // bytes: some days of a quiet node

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
    Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return fail_errno("cannot record to " + path);
    struct stat status {};
    if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode))
        return fail("cannot record to " + path + ": it is no file");
    return Recorder(std::move(file), static_cast<std::size_t>(status.st_size), maps);
}

void Recorder::start(const std::string& config, const SavedSessions& saved, Nanoseconds now) {
    write({{"in", "start"}, {"version", SIDESTEP_VERSION}, {"layout", SS_ABI_VERSION}, {"saved", saved_json(saved)}});
    for (const auto& line : adopted_lines(maps_)) write(line);
    reconfigure(config, now);
}

void Recorder::reconfigure(const std::string& config, Nanoseconds now) {
    write({{"in", "config"}, {"at", now.count()}, {"text", config}});
}

void Recorder::note(const EngineInput& input, Nanoseconds now) {
    if (!file_) return;
    if (looks_at_memory(input)) {
        if (const auto changes = memory_.changes(); !changes.is_null()) write(changes);
    }
    write(to_json(TimedInput{.input = input, .at = now}));
}

/// A replay has no clients.
void Recorder::note(const LoggedEvent& event) {
    if (event.session.starts_with(kClientPrefix)) return;
    write({{"out", "event"}, {"event", sidestep::to_json(event)}});
}

/// A line is written at once: what precedes a crash matters most.
void Recorder::write(const json& line) {
    if (!file_) return;
    const auto text = line.dump(-1, ' ', false, json::error_handler_t::replace) + '\n';
    size_ += text.size();
    if (size_ <= kLargest && ::write(file_.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()))
        return;
    spdlog::warn("the recording ends here: {}",
                 size_ > kLargest ? "it is as large as it may be" : "it cannot be written");
    file_.reset();
}

}  // namespace sidestep::record
