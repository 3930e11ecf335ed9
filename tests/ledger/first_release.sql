-- What the first release wrote (version 0.1.0, schema 0001), as `sqlite3 .dump` gives it.
BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE alerts (
	id VARCHAR(32) NOT NULL, 
	event_id VARCHAR(32) NOT NULL, 
	issued_on DATE NOT NULL, 
	acknowledged_on DATE, 
	acknowledged_by TEXT, 
	CONSTRAINT pk_alerts PRIMARY KEY (id), 
	CONSTRAINT fk_alerts_event_id FOREIGN KEY(event_id) REFERENCES events (id), 
	CONSTRAINT uq_alerts_event_id UNIQUE (event_id)
);
INSERT INTO "alerts" VALUES('al-b5f47bd00aed','ev-03299ccc59af','2026-09-13',NULL,NULL);
INSERT INTO "alerts" VALUES('al-143b298cc168','ev-31b3ab89f762','2026-09-13','2026-09-15','Anna');
INSERT INTO "alerts" VALUES('al-e574410bb780','ev-6276491707b1','2026-09-13',NULL,NULL);
CREATE TABLE areas (
	id VARCHAR(64) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	name TEXT NOT NULL, 
	status VARCHAR(16), 
	margin_m FLOAT NOT NULL, 
	sensitivity VARCHAR(16) NOT NULL, 
	geometry JSON NOT NULL, 
	responses JSON NOT NULL, 
	CONSTRAINT pk_areas PRIMARY KEY (id)
);
INSERT INTO "areas" VALUES('site-a','site','','identified',500.0,'restricted','{"coordinates":[[[0.01,0.0],[0.01,0.01],[0.0,0.01],[0.0,0.0],[0.01,0.0]]],"type":"Polygon"}','[{"action":"intervened","claim":"all buildings demolished","date":"2026-05-02","source":"a newspaper"}]');
CREATE TABLE event_transitions (
	id INTEGER NOT NULL, 
	event_id VARCHAR(32) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	entered_on DATE NOT NULL, 
	scene_id VARCHAR(255) NOT NULL, 
	week VARCHAR(8) NOT NULL, 
	note TEXT NOT NULL, 
	CONSTRAINT pk_event_transitions PRIMARY KEY (id), 
	CONSTRAINT fk_event_transitions_event_id FOREIGN KEY(event_id) REFERENCES events (id), 
	CONSTRAINT uq_event_transitions_event_id_state_entered_on UNIQUE (event_id, state, entered_on)
);
INSERT INTO "event_transitions" VALUES(1,'ev-03299ccc59af','provisional','2026-09-07','scene-0','2026-W37','');
INSERT INTO "event_transitions" VALUES(2,'ev-31b3ab89f762','provisional','2026-09-07','scene-0','2026-W37','');
INSERT INTO "event_transitions" VALUES(3,'ev-6276491707b1','provisional','2026-09-07','scene-0','2026-W37','');
INSERT INTO "event_transitions" VALUES(4,'ev-31b3ab89f762','confirmed','2026-09-14','scene-1','2026-W38','');
CREATE TABLE event_versions (
	id INTEGER NOT NULL, 
	event_id VARCHAR(32) NOT NULL, 
	week VARCHAR(8) NOT NULL, 
	properties JSON, 
	geometry JSON, 
	CONSTRAINT pk_event_versions PRIMARY KEY (id), 
	CONSTRAINT fk_event_versions_event_id FOREIGN KEY(event_id) REFERENCES events (id)
);
INSERT INTO "event_versions" VALUES(1,'ev-03299ccc59af','2026-W37','{"area_id":"site-a","area_m2":2400.0,"area_m2_high":3000.0,"area_m2_low":1800.0,"change":"construction","closure":null,"confidence":0.8,"confirmed_on":null,"event_id":"ev-03299ccc59af","first_seen":"2026-09-07","kind":"expansion","length_m":null,"scenes":["scene-0"],"sensors":["sentinel-2"],"state":"provisional"}','{"coordinates":[[[0.0,0.0],[0.001,0.0],[0.001,0.001],[0.0,0.0]]],"type":"Polygon"}');
INSERT INTO "event_versions" VALUES(2,'ev-31b3ab89f762','2026-W37','{"area_id":"site-a","area_m2":2400.0,"area_m2_high":3000.0,"area_m2_low":1800.0,"change":"construction","closure":null,"confidence":0.8,"confirmed_on":null,"event_id":"ev-31b3ab89f762","first_seen":"2026-09-07","kind":"expansion","length_m":null,"scenes":["scene-0"],"sensors":["sentinel-2"],"state":"provisional"}','{"coordinates":[[[0.0,0.0],[0.001,0.0],[0.001,0.001],[0.0,0.0]]],"type":"Polygon"}');
INSERT INTO "event_versions" VALUES(3,'ev-6276491707b1','2026-W37','{"area_id":"site-a","area_m2":2400.0,"area_m2_high":3000.0,"area_m2_low":1800.0,"change":"construction","closure":null,"confidence":0.8,"confirmed_on":null,"event_id":"ev-6276491707b1","first_seen":"2026-09-07","kind":"expansion","length_m":null,"scenes":["scene-0"],"sensors":["sentinel-2"],"state":"provisional"}','{"coordinates":[[[0.0,0.0],[0.001,0.0],[0.001,0.001],[0.0,0.0]]],"type":"Polygon"}');
INSERT INTO "event_versions" VALUES(4,'ev-31b3ab89f762','2026-W38','{"area_id":"site-a","area_m2":2400.0,"area_m2_high":3000.0,"area_m2_low":1800.0,"change":"construction","closure":null,"confidence":0.8,"confirmed_on":"2026-09-14","event_id":"ev-31b3ab89f762","first_seen":"2026-09-07","kind":"expansion","length_m":null,"scenes":["scene-0","scene-1"],"sensors":["sentinel-2"],"state":"confirmed"}','{"coordinates":[[[0.0,0.0],[0.001,0.0],[0.001,0.001],[0.0,0.0]]],"type":"Polygon"}');
CREATE TABLE events (
	id VARCHAR(32) NOT NULL, 
	area_id VARCHAR(64) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	properties JSON NOT NULL, 
	geometry JSON NOT NULL, 
	CONSTRAINT pk_events PRIMARY KEY (id), 
	CONSTRAINT fk_events_area_id FOREIGN KEY(area_id) REFERENCES areas (id)
);
INSERT INTO "events" VALUES('ev-03299ccc59af','site-a','provisional','{"area_id":"site-a","area_m2":2400.0,"area_m2_high":3000.0,"area_m2_low":1800.0,"change":"construction","closure":null,"confidence":0.8,"confirmed_on":null,"event_id":"ev-03299ccc59af","first_seen":"2026-09-07","kind":"expansion","length_m":null,"scenes":["scene-0"],"sensors":["sentinel-2"],"state":"provisional"}','{"coordinates":[[[0.0,0.0],[0.001,0.0],[0.001,0.001],[0.0,0.0]]],"type":"Polygon"}');
INSERT INTO "events" VALUES('ev-31b3ab89f762','site-a','confirmed','{"area_id":"site-a","area_m2":2400.0,"area_m2_high":3000.0,"area_m2_low":1800.0,"change":"construction","closure":null,"confidence":0.8,"confirmed_on":"2026-09-14","event_id":"ev-31b3ab89f762","first_seen":"2026-09-07","kind":"expansion","length_m":null,"scenes":["scene-0","scene-1"],"sensors":["sentinel-2"],"state":"confirmed"}','{"coordinates":[[[0.0,0.0],[0.001,0.0],[0.001,0.001],[0.0,0.0]]],"type":"Polygon"}');
INSERT INTO "events" VALUES('ev-6276491707b1','site-a','provisional','{"area_id":"site-a","area_m2":2400.0,"area_m2_high":3000.0,"area_m2_low":1800.0,"change":"construction","closure":null,"confidence":0.8,"confirmed_on":null,"event_id":"ev-6276491707b1","first_seen":"2026-09-07","kind":"expansion","length_m":null,"scenes":["scene-0"],"sensors":["sentinel-2"],"state":"provisional"}','{"coordinates":[[[0.0,0.0],[0.001,0.0],[0.001,0.001],[0.0,0.0]]],"type":"Polygon"}');
CREATE TABLE messages (
	id INTEGER NOT NULL, 
	"key" VARCHAR(64) NOT NULL, 
	alert_id VARCHAR(32) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	week VARCHAR(8) NOT NULL, 
	attempts INTEGER NOT NULL, 
	last_attempt_at DATETIME, 
	last_error TEXT, 
	sent_at DATETIME, 
	CONSTRAINT pk_messages PRIMARY KEY (id), 
	CONSTRAINT fk_messages_alert_id FOREIGN KEY(alert_id) REFERENCES alerts (id), 
	CONSTRAINT uq_messages_key UNIQUE ("key")
);
INSERT INTO "messages" VALUES(1,'al-b5f47bd00aed:provisional','al-b5f47bd00aed','provisional','2026-W37',1,'2026-09-14 06:00:00.000000',NULL,'2026-09-14 06:00:00.000000');
INSERT INTO "messages" VALUES(2,'al-143b298cc168:provisional','al-143b298cc168','provisional','2026-W37',1,'2026-09-14 06:00:00.000000','mailto #1 did not take it',NULL);
INSERT INTO "messages" VALUES(3,'al-e574410bb780:provisional','al-e574410bb780','provisional','2026-W37',0,NULL,NULL,NULL);
INSERT INTO "messages" VALUES(4,'al-143b298cc168:confirmed','al-143b298cc168','confirmed','2026-W38',0,NULL,NULL,NULL);
CREATE TABLE observations (
	area_id VARCHAR(64) NOT NULL, 
	week VARCHAR(8) NOT NULL, 
	scenes JSON NOT NULL, 
	sensors JSON NOT NULL, 
	seen_share FLOAT NOT NULL, 
	last_clear_look DATE, 
	chain VARCHAR(128) NOT NULL, 
	note TEXT NOT NULL, 
	CONSTRAINT pk_observations PRIMARY KEY (area_id, week), 
	CONSTRAINT fk_observations_area_id FOREIGN KEY(area_id) REFERENCES areas (id)
);
INSERT INTO "observations" VALUES('site-a','2026-W37','["scene-0"]','["sentinel-2"]',0.75,'2026-09-07','chain-0','');
INSERT INTO "observations" VALUES('site-a','2026-W38','["scene-1"]','["sentinel-2"]',0.75,'2026-09-14','chain-1','');
CREATE TABLE runs (
	id VARCHAR(64) NOT NULL, 
	started_at DATETIME NOT NULL, 
	version VARCHAR(64) NOT NULL, 
	settings JSON NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	summary JSON NOT NULL, 
	finished_at DATETIME, 
	CONSTRAINT pk_runs PRIMARY KEY (id)
);
INSERT INTO "runs" VALUES('run-1','2026-09-14 06:00:00.000000','0.1.0','{"source":"simulated"}','completed','{"week":"2026-W38"}','2026-09-14 06:00:00.000000');
CREATE TABLE scenes (
	area_id VARCHAR(64) NOT NULL, 
	scene_id VARCHAR(255) NOT NULL, 
	sensor VARCHAR(16) NOT NULL, 
	acquired DATETIME NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	source TEXT NOT NULL, 
	clear_share FLOAT NOT NULL, 
	shift_px FLOAT, 
	status VARCHAR(16) NOT NULL, 
	note TEXT NOT NULL, 
	CONSTRAINT pk_scenes PRIMARY KEY (area_id, scene_id), 
	CONSTRAINT fk_scenes_area_id FOREIGN KEY(area_id) REFERENCES areas (id)
);
CREATE INDEX ix_events_area_id ON events (area_id);
CREATE INDEX ix_events_state ON events (state);
CREATE INDEX ix_event_versions_event_id_week_id ON event_versions (event_id, week, id);
CREATE INDEX ix_alerts_issued_on ON alerts (issued_on);
CREATE INDEX ix_messages_alert_id ON messages (alert_id);
CREATE INDEX ix_messages_sent_at ON messages (sent_at);
COMMIT;
