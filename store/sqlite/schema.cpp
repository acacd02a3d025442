// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/schema.hpp"

#include <string_view>

namespace tune::sqlite {

const char* const kTables = R"sql(CREATE TABLE experiments(
  id INTEGER PRIMARY KEY,             -- from 1
  name TEXT NOT NULL UNIQUE,
  created REAL NOT NULL,
  config TEXT,                        -- the effective configuration, JSON, as last configured
  space_hash TEXT,
  state TEXT NOT NULL,                -- new, running, finishing, finished; an experiment that runs without an owner was interrupted
  why TEXT,                           -- why it finishes
  exit_code INTEGER,
  best_trial INTEGER,                 -- trials.id
  best_value,
  tags TEXT NOT NULL DEFAULT '[]',    -- JSON array
  note TEXT,
  star INTEGER NOT NULL DEFAULT 0,
  archived INTEGER NOT NULL DEFAULT 0);

CREATE TABLE owner(
  experiment INTEGER PRIMARY KEY REFERENCES experiments(id),
  epoch INTEGER NOT NULL,             -- grows with each owner; an older one can write no more
  last_seq INTEGER NOT NULL,          -- the journal's length
  host TEXT, boot_id TEXT, pid INTEGER,
  start_time INTEGER,                 -- of the process, in clock ticks since boot: with boot_id and pid it names one process
  version TEXT);

CREATE TABLE facts(
  id INTEGER PRIMARY KEY,             -- experiment << 40 | seq
  at REAL NOT NULL,
  epoch INTEGER NOT NULL,
  kind TEXT NOT NULL,                 -- docs/formats/facts.md
  v INTEGER NOT NULL,                 -- version of that kind
  trial INTEGER,                      -- experiment << 40 | number; NULL if it is about no trial
  body TEXT NOT NULL,                 -- JSON
  experiment INTEGER GENERATED ALWAYS AS (id >> 40) VIRTUAL,
  seq INTEGER GENERATED ALWAYS AS (id & 0xffffffffff) VIRTUAL);

CREATE INDEX facts_trial ON facts(trial) WHERE trial IS NOT NULL;

CREATE TABLE reports(
  id INTEGER PRIMARY KEY,             -- experiment << 40 | seq
  trial INTEGER NOT NULL,             -- experiment << 40 | number
  attempt INTEGER NOT NULL,
  n INTEGER NOT NULL,                 -- Reported.seq: from 1 within the attempt
  step INTEGER NOT NULL,
  at REAL NOT NULL,
  epoch INTEGER NOT NULL,
  set_id INTEGER NOT NULL,            -- which names m0… have: metrics.set_id
  m0, m1, m2, m3, m4, m5, m6, m7,
  more TEXT,                          -- JSON array of the values from the ninth on
  constraints TEXT,                   -- JSON array
  cost,
  final INTEGER);                     -- 1 or NULL

CREATE UNIQUE INDEX reports_trial ON reports(trial, attempt, n);

CREATE TABLE metrics(
  set_id INTEGER NOT NULL,            -- each distinct list of metric names has one
  col INTEGER NOT NULL,               -- 0 is m0, …, 7 is m7, 8 is the first of `more`
  name TEXT NOT NULL,
  PRIMARY KEY(set_id, col)) WITHOUT ROWID;

CREATE TABLE trials(
  id INTEGER PRIMARY KEY,             -- experiment << 40 | number
  state TEXT NOT NULL,                -- queued, leased, running, paused, complete, stopped, failed, infeasible, cancelled
  cause TEXT,                         -- of the last attempt that ended; NULL: none has
  attempt INTEGER NOT NULL,           -- the newest; 0: never launched
  reports INTEGER NOT NULL,           -- accepted ones
  last_step INTEGER NOT NULL,
  until_step INTEGER,                 -- may go on up to here; NULL: no bound
  proposed_at REAL, launched_at REAL, ended_at REAL,
  value,                              -- first objective, reduced, as reported
  more TEXT,                          -- JSON array of the other objectives
  feasible INTEGER NOT NULL,
  tags TEXT NOT NULL DEFAULT '[]', note TEXT, star INTEGER NOT NULL DEFAULT 0,
  experiment INTEGER GENERATED ALWAYS AS (id >> 40) VIRTUAL,
  number INTEGER GENERATED ALWAYS AS (id & 0xffffffffff) VIRTUAL);

CREATE TABLE params(
  trial INTEGER NOT NULL,             -- trials.id
  name TEXT NOT NULL,
  value,                              -- as it is now: PBT changes it
  type TEXT NOT NULL,                 -- bool (0 or 1), int, float, text
  PRIMARY KEY(trial, name)) WITHOUT ROWID;
)sql";

const char* const kViews = R"sql(CREATE VIEW curves AS
  SELECT r.id >> 40 AS experiment, r.trial & 0xffffffffff AS number, r.trial, r.attempt, r.n, r.step, r.at, m.name AS metric,
         CASE m.col WHEN 0 THEN r.m0 WHEN 1 THEN r.m1 WHEN 2 THEN r.m2 WHEN 3 THEN r.m3 WHEN 4 THEN r.m4 WHEN 5 THEN r.m5
                    WHEN 6 THEN r.m6 WHEN 7 THEN r.m7 ELSE json_extract(r.more, '$[' || (m.col - 8) || ']') END AS value
  FROM reports r JOIN metrics m ON m.set_id = r.set_id;

CREATE VIEW trials_wide AS
  SELECT t.*, (SELECT json_group_object(p.name, p.value) FROM params p WHERE p.trial = t.id) AS params FROM trials t;

CREATE VIEW decisions AS
  SELECT experiment, seq, at, kind, trial, trial & 0xffffffffff AS number, json_extract(body, '$.because') AS because,
         json_extract(body, '$.by') AS decided_by, json_extract(body, '$.why') AS why, json_extract(body, '$.note') AS note, body
  FROM facts
  WHERE kind IN ('Propose', 'Launch', 'Extend', 'Pause', 'Stop', 'Exploit', 'Update', 'Resize', 'Retry', 'Settle', 'Allocate',
                 'Release', 'Collect', 'Finish');

CREATE VIEW rungs AS
  SELECT experiment, seq, at, kind AS decision, trial, trial & 0xffffffffff AS number,
         coalesce(json_extract(body, '$.rung.bracket'), 0) AS bracket, coalesce(json_extract(body, '$.rung.rung'), 0) AS rung,
         json_extract(body, '$.rung.step') AS step, json_extract(body, '$.rung.value') AS value,
         json_extract(body, '$.rung.rank') AS rank, json_extract(body, '$.rung.of') AS recorded, json_extract(body, '$.rung.cut') AS cut
  FROM facts
  WHERE kind IN ('Launch', 'Extend', 'Pause', 'Stop') AND json_extract(body, '$.rung') IS NOT NULL;

CREATE VIEW lineage AS
  SELECT experiment, seq, at, trial, trial & 0xffffffffff AS number, 'exploit' AS kind, json_extract(body, '$.donor') AS parent,
         json_extract(body, '$.checkpoint') AS checkpoint, coalesce(json_extract(body, '$.step'), 0) AS step
  FROM facts WHERE kind = 'Exploit'
  UNION ALL
  SELECT experiment, seq, at, trial, trial & 0xffffffffff, json_extract(body, '$.source'),
         coalesce(json_extract(body, '$.parent'), json_extract(body, '$.replicate_of')), NULL, NULL
  FROM facts
  WHERE kind = 'Propose' AND coalesce(json_extract(body, '$.parent'), json_extract(body, '$.replicate_of')) IS NOT NULL;

CREATE VIEW attempts AS
  SELECT l.experiment, l.trial, l.trial & 0xffffffffff AS number, json_extract(l.body, '$.attempt') AS attempt,
         json_extract(l.body, '$.form') AS form, json_extract(l.body, '$.from') AS checkpoint,
         json_extract(l.body, '$.ranks[0].worker') AS worker, l.at AS launched_at, s.at AS started_at, e.at AS ended_at,
         json_extract(s.body, '$.pid') AS pid, json_extract(e.body, '$.cause') AS cause,
         json_extract(e.body, '$.exit_code') AS exit_code, json_extract(e.body, '$.signal') AS signal,
         json_extract(e.body, '$.usage.seconds') AS seconds, json_extract(e.body, '$.usage.cpu_seconds') AS cpu_seconds,
         json_extract(e.body, '$.usage.peak_memory_bytes') AS peak_memory_bytes, json_extract(e.body, '$.text') AS text
  FROM facts l
  LEFT JOIN facts s ON s.id = (SELECT min(x.id) FROM facts x WHERE x.trial = l.trial AND +x.kind = 'Started' AND x.id > l.id
                               AND json_extract(x.body, '$.attempt') = json_extract(l.body, '$.attempt'))
  LEFT JOIN facts e ON e.id = (SELECT max(x.id) FROM facts x WHERE x.trial = l.trial AND +x.kind = 'Exited' AND x.id > l.id
                               AND json_extract(x.body, '$.attempt') = json_extract(l.body, '$.attempt'))
  WHERE l.kind = 'Launch';

CREATE VIEW checkpoints AS
  SELECT k.experiment, k.seq, k.at, k.trial, k.trial & 0xffffffffff AS number, json_extract(k.body, '$.attempt') AS attempt,
         coalesce(json_extract(k.body, '$.step'), 0) AS step, json_extract(k.body, '$.checkpoint') AS checkpoint,
         coalesce(json_extract(k.body, '$.bytes'), 0) AS bytes, coalesce(json_extract(k.body, '$.seconds'), 0) AS seconds,
         json_extract(k.body, '$.where') AS location,
         CASE WHEN lost.id IS NOT NULL THEN 'lost' WHEN gone.id IS NOT NULL THEN 'collected' ELSE 'kept' END AS state
  FROM facts k
  LEFT JOIN (SELECT experiment, json_extract(body, '$.checkpoint') AS checkpoint, max(id) AS id
             FROM facts WHERE kind = 'CheckpointLost' GROUP BY 1, 2) lost
         ON lost.checkpoint = json_extract(k.body, '$.checkpoint') AND lost.experiment = k.experiment AND lost.id > k.id
  LEFT JOIN (SELECT f.experiment, c.value AS checkpoint, max(f.id) AS id
             FROM facts f, json_each(f.body, '$.checkpoints') c WHERE f.kind = 'Collected' GROUP BY 1, 2) gone
         ON gone.checkpoint = json_extract(k.body, '$.checkpoint') AND gone.experiment = k.experiment AND gone.id > k.id
  WHERE k.kind = 'Checkpointed';

CREATE VIEW workers AS
  SELECT j.experiment, json_extract(j.body, '$.worker') AS worker, json_extract(j.body, '$.name') AS name,
         json_extract(j.body, '$.agent') AS agent, json_extract(j.body, '$.group') AS worker_group,
         json_extract(j.body, '$.allocation') AS allocation, j.at AS joined_at, json_extract(j.body, '$.deadline') AS deadline,
         coalesce(json_extract(j.body, '$.offers.cpus'), 1) AS cpus,
         coalesce(json_extract(j.body, '$.offers.memory_bytes'), 0) AS memory_bytes,
         coalesce(json_array_length(j.body, '$.offers.devices'), 0) AS devices,
         CASE WHEN c.kind = 'WorkerLost' THEN 'lost' WHEN j.epoch < o.epoch THEN 'away' WHEN c.id IS NULL THEN 'ready'
              ELSE json_extract(c.body, '$.state') END AS state,
         json_extract(c.body, '$.why') AS why, coalesce(c.at, j.at) AS since, coalesce(held.trials, 0) AS trials,
         coalesce(held.cpus, 0) AS cpus_taken, coalesce(held.memory_bytes, 0) AS memory_taken, coalesce(held.devices, 0) AS devices_taken,
         (SELECT group_concat(l.value) FROM json_each(j.body, '$.labels') l) AS labels
  FROM facts j
  LEFT JOIN facts c ON c.id = (SELECT max(x.id) FROM facts x WHERE x.kind IN ('WorkerChanged', 'WorkerLost') AND x.id > j.id
                               AND x.experiment = j.experiment
                               AND json_extract(x.body, '$.worker') = json_extract(j.body, '$.worker'))
  LEFT JOIN (SELECT t.experiment, json_extract(r.value, '$.worker') AS worker, count(*) AS trials,
                    sum(coalesce(json_extract(r.value, '$.cpus'), 0)) AS cpus,
                    sum(coalesce(json_extract(r.value, '$.memory_bytes'), 0)) AS memory_bytes,
                    sum(coalesce(json_array_length(r.value, '$.devices') * coalesce(json_extract(r.value, '$.device_share'), 1), 0)) AS devices
             FROM trials t
             JOIN facts l ON l.trial = t.id AND +l.kind IN ('Launch', 'Speculate')  -- an attempt, and a copy of it that the owner ordered
             JOIN owner w ON w.experiment = t.experiment AND (l.epoch = w.epoch OR l.kind = 'Launch'), json_each(l.body, '$.ranks') r
             WHERE t.state IN ('leased', 'running')
               AND NOT EXISTS (SELECT 1 FROM facts x WHERE x.trial = t.id AND x.id > l.id
                               AND (+x.kind = 'Launch' OR l.kind = 'Speculate' AND +x.kind IN ('EndCopy', 'CopyExited'))) GROUP BY 1, 2) held
         ON held.experiment = j.experiment AND held.worker = json_extract(j.body, '$.worker')
  LEFT JOIN owner o ON o.experiment = j.experiment  -- 'away': it joined an earlier owner, and not this one yet
  WHERE j.kind = 'WorkerJoined'
    AND NOT EXISTS (SELECT 1 FROM facts again WHERE again.kind = 'WorkerJoined' AND again.experiment = j.experiment AND again.id > j.id
                    AND json_extract(again.body, '$.worker') = json_extract(j.body, '$.worker'));

CREATE VIEW allocations AS
  SELECT a.experiment, json_extract(a.body, '$.allocation') AS allocation, json_extract(a.body, '$.engine') AS engine,
         json_extract(a.body, '$.key') AS key, json_extract(c.body, '$.engine_id') AS engine_id,
         coalesce(json_extract(c.body, '$.state'), 'asked') AS state, json_extract(c.body, '$.reason') AS reason,
         json_extract(c.body, '$.nodes') AS nodes, a.at AS asked_at, coalesce(c.at, a.at) AS since,
         json_extract(c.body, '$.ends_at') AS ends_at, json_extract(r.body, '$.how') AS released, json_extract(a.body, '$.why') AS why
  FROM facts a
  LEFT JOIN (SELECT experiment, json_extract(body, '$.allocation') AS allocation, max(id) AS id, at, body
             FROM facts WHERE kind = 'AllocationChanged' GROUP BY 1, 2) c
         ON c.allocation = json_extract(a.body, '$.allocation') AND c.experiment = a.experiment AND c.id > a.id
  LEFT JOIN (SELECT experiment, json_extract(body, '$.allocation') AS allocation, max(id) AS id, body
             FROM facts WHERE kind = 'Release' AND json_extract(body, '$.allocation') IS NOT NULL GROUP BY 1, 2) r
         ON r.allocation = json_extract(a.body, '$.allocation') AND r.experiment = a.experiment AND r.id > a.id
  WHERE a.kind = 'Allocate';
)sql";

std::string temporary_views() {
  static constexpr std::string_view create = "CREATE VIEW";
  std::string views = kViews;
  for (std::size_t at = 0; (at = views.find(create, at)) != std::string::npos; at += create.size())
    views.replace(at, create.size(), "CREATE TEMP VIEW");
  return views;
}

}  // namespace tune::sqlite
