// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/app/event_file.hpp"

#include <algorithm>
#include <sstream>
#include <utility>

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
        keep(event, line + '\n');
        events.push_back(std::move(event));
    }
    if (events.size() > kKept) {
        const auto surplus = static_cast<std::ptrdiff_t>(events.size() - kKept);
        events.erase(events.begin(), events.begin() + surplus);
    }
    earlier_ = lines_.size();
    problem_.note(shorten(), "events cannot be kept for the next process: ");  // also after half a line
    return events;
}

void EventFile::keep(const json& event, std::string text) {
    const auto time = event.find("time_ns");
    const auto known = time != event.end() && time->is_number_integer();
    lines_.push_back({.time_ns = known ? time->get<std::int64_t>() : 0, .text = std::move(text)});
    if (lines_.size() <= kKept) return;
    lines_.pop_front();
    if (earlier_ > 0) --earlier_;
}

void EventFile::append(const json& event) {
    keep(event, event.dump(-1, ' ', false, json::error_handler_t::replace) + '\n');
    const auto written = in_file_ >= 2 * kKept ? shorten() : write(lines_.back().text);
    problem_.note(written, "events cannot be kept for the next process: ");
}

std::string EventFile::answer() const {
    std::vector<const Line*> lines;
    std::size_t length = 0;
    for (const auto& line : lines_) {
        lines.push_back(&line);
        length += line.text.size();
    }
    std::ranges::stable_sort(lines.begin() + static_cast<std::ptrdiff_t>(earlier_), lines.end(), {}, &Line::time_ns);
    std::string text = R"({"events":[)";
    text.reserve(text.size() + length + 2);
    for (const auto* line : lines) {
        if (line != lines.front()) text += ',';
        text.append(line->text, 0, line->text.size() - 1);  // without the newline
    }
    return text + "]}";
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
    for (const auto& line : lines_) text += line.text;
    if (auto replaced = replace_file(path_, text); !replaced) return replaced;
    file_.reset();
    in_file_ = lines_.size();
    return {};
}

}  // namespace sidestep
