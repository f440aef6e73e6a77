// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The protocol of sd_notify(3): datagrams of lines NAME=VALUE.
#include "detector/service/service_manager.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace sidestep {
namespace {

using namespace std::chrono_literals;

constexpr Nanoseconds kStatusEvery = 1s;
constexpr int kFeedsPerTimeout = 4;
constexpr std::size_t kMostWaiting = 16;
constexpr int kFirstKept = 3;  // SD_LISTEN_FDS_START

std::string_view variable(const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any thread
    return value == nullptr ? "" : value;
}

std::optional<std::int64_t> number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// sd_listen_fds_with_names(3): descriptors from 3 on, and their names with colons between.
std::map<std::string, int> kept_descriptors() {
    std::map<std::string, int> kept;
    if (number(variable("LISTEN_PID")) != ::getpid()) return kept;
    auto names = variable("LISTEN_FDNAMES");
    const auto count = number(variable("LISTEN_FDS")).value_or(0);
    for (int fd = kFirstKept; fd < kFirstKept + count; ++fd) {
        const auto end = std::min(names.find(':'), names.size());
        kept[std::string(names.substr(0, end))] = fd;
        (void)::fcntl(fd, F_SETFD, FD_CLOEXEC);
        names.remove_prefix(std::min(end + 1, names.size()));
    }
    return kept;
}

}  // namespace

ServiceManager::Environment ServiceManager::environment() {
    Environment environment{.socket = std::string(variable("NOTIFY_SOCKET"))};
    const auto pid = variable("WATCHDOG_PID");
    const auto time = number(variable("WATCHDOG_USEC")).value_or(0);
    const bool ours = pid.empty() || number(pid) == ::getpid();
    if (ours && time > 0) environment.watchdog = std::chrono::microseconds(time);
    environment.kept = kept_descriptors();
    return environment;
}

ServiceManager::ServiceManager(const Environment& environment)
    : feed_every_(environment.watchdog / kFeedsPerTimeout), kept_(environment.kept) {
    if (environment.socket.empty()) return;
    if (auto sender = DatagramSender::to(environment.socket)) sender_.emplace(std::move(*sender));
}

void ServiceManager::ready() {
    say("READY=1");
}

void ServiceManager::reloading(Nanoseconds now) {
    say(fmt::format("RELOADING=1\nMONOTONIC_USEC={}",
                    std::chrono::duration_cast<std::chrono::microseconds>(now).count()));
}

void ServiceManager::stopping(const std::string& why) {
    say("STOPPING=1\nSTATUS=" + why);
}

bool ServiceManager::keep(int fd, const std::string& name) {
    if (!sender_) return false;
    forget(name);
    Fd own(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (!own) return false;
    say("FDSTORE=1\nFDNAME=" + name, std::move(own));
    return true;
}

void ServiceManager::forget(const std::string& name) {
    say("FDSTOREREMOVE=1\nFDNAME=" + name);
}

Fd ServiceManager::take(const std::string& name) {
    const auto found = kept_.find(name);
    if (found == kept_.end()) return {};
    Fd fd(found->second);
    kept_.erase(found);
    return fd;
}

void ServiceManager::tick(Nanoseconds now, const std::function<std::string()>& status) {
    if (!sender_) return;
    flush();
    if (feed_every_ > 0ns && now >= next_feed_) {
        // A sign of life of the past says nothing: it is not kept for later.
        if (sender_->send("WATCHDOG=1")) next_feed_ = now + feed_every_;
    }
    if (now < next_status_) return;
    next_status_ = now + kStatusEvery;
    if (auto text = status(); text != status_) {
        status_ = std::move(text);
        say("STATUS=" + status_);
    }
}

void ServiceManager::say(std::string text, Fd descriptor) {
    if (!sender_) return;
    waiting_.push_back({.text = std::move(text), .descriptor = std::move(descriptor)});
    if (waiting_.size() > kMostWaiting) waiting_.pop_front();
    flush();
}

void ServiceManager::flush() {
    while (!waiting_.empty() && send(waiting_.front())) waiting_.pop_front();
}

bool ServiceManager::send(const Message& message) const {
    return message.descriptor ? sender_->send(message.text, message.descriptor.get()) : sender_->send(message.text);
}

}  // namespace sidestep
