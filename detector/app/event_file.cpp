// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/app/event_file.hpp"

#include <sstream>

#include <fcntl.h>
#include <unistd.h>

#include "common/file.hpp"

namespace sidestep {

using nlohmann::json;

std::vector<json> EventFile::load() {
    std::vector<json> events;
    const auto text = read_file(path_);
    if (!text) return events;
    std::istringstream lines(*text);
    for (std::string line; std::getline(lines, line);) {
        auto event = json::parse(line, nullptr, false);
        if (!event.is_object() || !event.contains("session")) continue;
        lines_.push_back(line + '\n');
        events.push_back(std::move(event));
    }
    if (events.size() > kKept) {
        const auto surplus = static_cast<std::ptrdiff_t>(events.size() - kKept);
        events.erase(events.begin(), events.begin() + surplus);
        lines_.erase(lines_.begin(), lines_.begin() + surplus);
    }
    problem_.note(shorten(), "events cannot be kept for the next process: ");  // also after half a line
    return events;
}

void EventFile::append(const json& event) {
    lines_.push_back(event.dump(-1, ' ', false, json::error_handler_t::replace) + '\n');
    if (lines_.size() > kKept) lines_.pop_front();
    const auto written = in_file_ >= 2 * kKept ? shorten() : write(lines_.back());
    problem_.note(written, "events cannot be kept for the next process: ");
}

Result<void> EventFile::write(const std::string& line) {
    if (!file_) file_ = Fd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file_) return fail_errno(path_);
    const auto count = ::write(file_.get(), line.data(), line.size());
    if (count < 0) return fail_errno(path_);
    ++in_file_;
    if (static_cast<std::size_t>(count) == line.size()) return {};
    in_file_ = 2 * kKept;  // half a line: the next event writes all again
    return fail(path_ + ": no space left");
}

Result<void> EventFile::shorten() {
    std::string text;
    for (const auto& line : lines_) text += line;
    if (auto replaced = replace_file(path_, text); !replaced) return replaced;
    file_.reset();
    in_file_ = lines_.size();
    return {};
}

}  // namespace sidestep
