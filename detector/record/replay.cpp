// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/record/replay.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "detector/config/config_file.hpp"
#include "detector/engine/engine.hpp"
#include "detector/maps/map_sizes.hpp"
#include "detector/maps/plain_maps.hpp"
#include "detector/record/event_json.hpp"
#include "detector/record/input_json.hpp"
#include "detector/record/memory.hpp"

namespace sidestep::record {
namespace {

using nlohmann::json;

constexpr Nanoseconds::rep kMostComparisons = 1'000'000;  // in one line; a recorder writes a hundred

json without_time(json event) {
    event.erase("time");
    return event;
}

SavedSessions saved_of(const json& list) {
    SavedSessions saved;
    for (const auto& entry : list)
        saved[entry.at("session").get<std::string>()] = {
            .state = static_cast<SessionState>(entry.at("state").get<unsigned>()),
            .reason = static_cast<Reason>(entry.at("reason").get<unsigned>())};
    return saved;
}

/// Plays one line after the other.
class Player {
  public:
    Result<void> play(const json& line) {
        if (line.contains("out")) return note_recorded(line);
        const auto kind = line.at("in").get<std::string>();
        if (kind == "start") return start(line);
        if (!started_) return fail("comes before the start of a detector: this is the end of a recording");
        before_last_ = result_.events.size();
        if (kind == "adopted") return adopt(line);
        if (kind == "config") return reconfigure(line);
        if (!engine_) return fail("comes before the configuration");
        if (kind == "comparisons") return compare(line);
        if (kind == "memory") return apply_memory(*maps_, line), Result<void>();
        return feed(line);
    }
    Result<Replayed> take() {
        if (!started_) return fail("holds no recording");
        end_run();
        return std::move(result_);
    }

  private:
    /// Events come after their input, so what ends with a full disk or with the process mostly ends between them.
    void end_run() {
        const auto recorded = result_.recorded.size();
        if (recorded >= result_.events.size() || recorded < before_last_) return;
        result_.recorded.insert(result_.recorded.end(), result_.events.begin() + static_cast<std::ptrdiff_t>(recorded),
                                result_.events.end());
        result_.cut_off = true;
    }

    Result<void> note_recorded(const json& line) {
        result_.recorded.push_back(without_time(line.at("event")));
        return {};
    }

    /// The next configuration starts an engine.
    Result<void> start(const json& line) {
        end_run();
        started_ = true;
        engine_.reset();
        layout_ = line.at("layout").get<unsigned>();
        adopted_.clear();
        saved_ = saved_of(line.at("saved"));
        return {};
    }

    Result<void> adopt(const json& line) {
        if (layout_ != SS_ABI_VERSION)
            return fail(fmt::format("has memory of layout {}; this version has {}", layout_, SS_ABI_VERSION));
        adopted_.push_back(line);
        return {};
    }

    /// The detector stays as it is, too, if the engine refuses a configuration.
    Result<void> reconfigure(const json& line) {
        Complaints complaints{.file = "recorded configuration", .list = {}};
        const auto config = read_config(line.at("text").get<std::string>(), complaints);
        if (!config) return fail(complaints.to_string());
        if (!engine_) begin(*config);
        (void)engine_->apply(desired_of(*config), Nanoseconds(line.at("at").get<Nanoseconds::rep>()));
        return {};
    }

    void begin(const Config& config) {
        maps_ = std::make_unique<PlainMaps>(map_sizes(config));
        for (const auto& line : adopted_) apply_adopted(*maps_, line);
        engine_ = std::make_unique<Engine>(
            *maps_,
            EngineHooks{.resolve = [](int, const Address&) {},
                        .on_event =
                            [this](const LoggedEvent& event) {
                                result_.events.push_back(without_time(sidestep::to_json(event)));
                            },
                        .linkdown_ignored = {},
                        .on_input = {}},
            std::exchange(saved_, {}));
    }

    /// Many of which nothing came, at even distances.
    Result<void> compare(const json& line) {
        const auto first = line.at("first").get<Nanoseconds::rep>();
        const auto last = line.at("at").get<Nanoseconds::rep>();
        const auto count = line.at("count").get<Nanoseconds::rep>();
        if (last < first || count < 1 || count > kMostComparisons) return fail("has comparisons that cannot be");
        for (Nanoseconds::rep i = 0; i < count; ++i)
            tell(*engine_, Comparison(), Nanoseconds(count == 1 ? last : first + (last - first) * i / (count - 1)));
        result_.inputs += static_cast<std::size_t>(count);
        return {};
    }

    Result<void> feed(const json& line) {
        const auto timed = input_of(line);
        if (!timed) return std::unexpected(timed.error());
        tell(*engine_, timed->input, timed->at);
        ++result_.inputs;
        return {};
    }

    bool started_ = false;
    std::size_t before_last_ = 0;  ///< events before the last input
    std::unique_ptr<PlainMaps> maps_;
    std::unique_ptr<Engine> engine_;
    unsigned layout_ = 0;  ///< of the detector's memory
    std::vector<json> adopted_;
    SavedSessions saved_;
    Replayed result_;
};

constexpr auto kForeign = "this is no recording of sidestepd --record, or it was damaged";

/// As play(), with the exceptions of a line that lacks something.
Result<void> play_line(Player& player, const std::string& text) try {
    const auto line = json::parse(text, nullptr, false);
    if (!line.is_object()) return fail(fmt::format("is no JSON object: {}", kForeign));
    return player.play(line);
} catch (const json::exception&) {
    return fail(fmt::format("lacks a field that it should have: {}", kForeign));
}

}  // namespace

Result<Replayed> replay(const std::string& text) {
    Player player;
    std::size_t number = 0;
    for (std::size_t begin = 0, end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
        ++number;
        if (auto played = play_line(player, text.substr(begin, end - begin)); !played)
            return fail(fmt::format("line {}: {}", number, played.error().message));
    }
    return player.take();
}

std::string difference(const Replayed& replayed) {
    const auto& events = replayed.events;
    const auto& recorded = replayed.recorded;
    const auto [here, there] = std::ranges::mismatch(events, recorded);
    if (here == events.end() && there == recorded.end()) return {};
    return fmt::format("event {} is {}, and was {}", here - events.begin() + 1,
                       here == events.end() ? "missing" : here->dump(),
                       there == recorded.end() ? "not recorded" : there->dump());
}

}  // namespace sidestep::record
