# The sourcing program in GNU MathProg.
#
# Which discarded devices, by which treatment, to which smelter and when, so that the alloys of the medals
# can be cast in time, at the least cost (or footprint, or tonnes of devices).
# sourcing.md beside this file states the same mathematics; the numbers of the families are its numbers.
#
#   medalopt export instances/tiny.yaml -o tiny.dat
#   glpsol --math sourcing.mod --data tiny.dat --output tiny.txt
#
# Units: devices and smelter feed in tonnes (t), metal and alloy in kilograms (kg), money in the currency of
# the instance, footprint in kg CO2e, time in periods 1..n. All figures come in these units, nothing is converted.
# Letters: i stream, d device, g region, b bundle, h treatment, k smelter, e metal, o offer, a alloy, m medal,
#          w window of the device mix, x impurity, t period.


#######################################  What the data file gives  #######################################

param measure, symbolic, in {'cost', 'footprint', 'mass'}, default 'cost';   # what is to be least
param unlimited := 1.7976931348623157e308;        # stands for a limit that is not given

# Time
param n, integer, >= 1;                           # number of periods
set PERIODS := 1..n;

# Metals
set METALS;
param sell{METALS, PERIODS}, default 0;           # money/kg, for metal left over
param holding{METALS, PERIODS}, default 0;        # money/kg and period
param opening_stock{METALS}, >= 0, default 0;     # kg
set LEFT, within METALS, default {};              # metals of which what is not needed is left with the smelter
param reserve_periods{METALS}, integer, >= 0, default 0;       # whose charges are in stock at the end of each period

# Devices and what one tonne of each holds
set DEVICES;
param assay{DEVICES, METALS}, >= 0, default 0;    # kg/t

# Streams: a device type offered by a region
set REGIONS;
set STREAMS;
param device{STREAMS}, symbolic, in DEVICES;
param region{STREAMS}, symbolic, in REGIONS;
param bundle{STREAMS}, symbolic, default '';      # streams of one region and bundle come together; '': alone
param available{STREAMS, PERIODS}, >= 0, default 0;            # t
param price{STREAMS}, default 0;                  # money/t, paid to the supplier
param collection{STREAMS}, default 0;             # money/t
param price_in{i in STREAMS, PERIODS}, default price[i];       # where they change over time
param collection_in{i in STREAMS, PERIODS}, default collection[i];
param stream_committed{STREAMS}, >= 0, default 0; # t over the horizon
param stream_footprint{STREAMS}, default 0;       # kg CO2e/t
param lot{STREAMS}, >= 0, default 0;              # t, of which the shipments of a period are a multiple; 0: none
param minimum_order{STREAMS}, >= 0, default 0;    # t, the least shipments of a period unless none; 0: none
param stream_fixed{STREAMS}, >= 0, default 0;     # money, once if anything is sent
param credited{STREAMS, METALS}, default 1;       # share of the metal that is the project's
set STORABLE, within STREAMS;                     # what is not sent may wait
param storage_limit{STORABLE}, default unlimited; # t
param storage_cost{STORABLE}, default 0;          # money/t and period

# Treatments before the smelter
set TREATMENTS;
set ACCEPTED, within TREATMENTS cross DEVICES;
set SERVED, within TREATMENTS cross REGIONS;
param treatment_cost{TREATMENTS, DEVICES}, default 0;          # money/t
param treatment_cost_in{h in TREATMENTS, d in DEVICES, PERIODS}, default treatment_cost[h,d];
param to_smelter{TREATMENTS, DEVICES}, default 1;              # share of the tonne that is sent on
param recovery{TREATMENTS, DEVICES, METALS}, default 1;
param residue_value{TREATMENTS}, default 0;       # money per tonne not sent on
param treatment_limit{TREATMENTS, PERIODS}, default unlimited; # t of input
param treatment_footprint{TREATMENTS}, default 0; # kg CO2e/t of input
param parent{TREATMENTS}, symbolic, default '';   # of a fraction: the treatment that yields it; '': a treatment
set SOLD, within TREATMENTS cross DEVICES, default {h in TREATMENTS, d in DEVICES: 1 = 0};   # fractions that are sold
param sold{SOLD}, default 0;                      # money/t of the fraction
param sold_in{(h,d) in SOLD, PERIODS}, default sold[h,d];
param treatment_fixed{TREATMENTS}, >= 0, default 0;            # money, once if anything is treated

# Smelters, and the terms on which each settles a feed
set SMELTERS;
param feed_limit{SMELTERS, PERIODS}, default unlimited;        # t of feed in a period
param total_committed{SMELTERS}, >= 0, default 0; # t of feed over the horizon
param total_limit{SMELTERS}, default unlimited;   # t of feed over the horizon
param lead{SMELTERS, METALS}, integer, >= 0, default 0;        # periods from shipment to metal on the account
param smelter_footprint{SMELTERS}, default 0;     # kg CO2e/t of feed
param smelter_fixed{SMELTERS}, >= 0, default 0;   # money, once if it is fed
set TERMS;
set FEEDS, within SMELTERS cross DEVICES cross TREATMENTS;     # feeds that are accepted
param terms{FEEDS}, symbolic, in TERMS;           # the terms that settle this feed
param treatment_charge{TERMS}, default 0;         # money/t of feed
param treatment_charge_in{l in TERMS, PERIODS}, default treatment_charge[l];
param refining_charge{TERMS, METALS}, default 0;  # money/kg returned, by the period in which it is on the account
param refining_charge_in{l in TERMS, e in METALS, PERIODS}, default refining_charge[l,e];
param metal_return{TERMS, METALS}, default 0;     # share returned
param deduction{TERMS, METALS}, default 0;        # kg/t of feed
param pays{TERMS, METALS, PERIODS}, default 0;    # money/kg left with the smelter
param minimum_lot{TERMS}, >= 0, default 0;        # t, the least feed of a period unless none
param lot_charge{TERMS}, >= 0, default 0;         # money, in every period in which the line is fed
set POOLED, within TERMS, default {};             # lines whose feed of a period is settled as one lot, not by route

# Impurities, and metals in feed on which smelters put conditions
set IMPURITIES, default {};
set ON_ACCOUNT, within IMPURITIES, default {};    # those that are metals of the account, with their assay and recovery
param as_metal{ON_ACCOUNT}, symbolic, in METALS;
param impurity_assay{DEVICES, IMPURITIES}, >= 0, default 0;    # kg/t
param impurity_recovery{TREATMENTS, DEVICES, IMPURITIES}, default 1;
param refused{TERMS, IMPURITIES}, default unlimited;           # kg/t of feed, above which it is not accepted
param content_limit{SMELTERS, IMPURITIES}, default unlimited;  # kg/t, mean of all feed of a period
set PENALTIES, default {};
param penalty_terms{PENALTIES}, symbolic, in TERMS;
param penalty_on{PENALTIES}, symbolic, in IMPURITIES;
param penalty_above{PENALTIES}, default 0;        # kg/t of feed
param penalty_per{PENALTIES}, > 0;                # kg/t
param penalty_charge{PENALTIES}, default 0;       # money/t of feed for each penalty_per above
param penalty_charge_in{p in PENALTIES, PERIODS}, default penalty_charge[p];

# Lanes from region to smelter
set LANES, within REGIONS cross SMELTERS;
param lane_cost{LANES}, default 0;                # money/t of what arrives
param lane_footprint{LANES}, default 0;           # kg CO2e/t

# Offers of metal and alloy scrap
set OFFERS;
param composition{OFFERS, METALS}, >= 0, default 0;            # mass fractions
param offer_price{OFFERS, PERIODS}, default 0;    # money/kg
param purchase_committed{OFFERS}, >= 0, default 0;             # kg over the horizon
param purchase_limit{OFFERS}, default unlimited;  # kg over the horizon
param recycled_fraction{OFFERS}, default 0;
param offer_footprint{OFFERS}, default 0;         # kg CO2e/kg
param offer_lot{OFFERS}, >= 0, default 0;         # kg, of which the purchases of a period are a multiple; 0: none
param offer_minimum{OFFERS}, >= 0, default 0;     # kg, the least purchases of a period unless none; 0: none
param offer_fixed{OFFERS}, >= 0, default 0;       # money, once if anything is bought
set STORED, within OFFERS, default {};            # offers that may be bought in one period and charged in a later one
param offer_storage_limit{OFFERS, PERIODS}, default unlimited; # kg at the end of a period
param offer_opening{OFFERS}, >= 0, default 0;     # kg in stock before the first period
param offer_closing{OFFERS}, >= 0, default 0;     # kg, the least in stock at the end

# Price steps: of what is taken in all of a stream or bought of an offer, all beyond a limit costs a surcharge more, on top
# of the surcharges of the limits below; less than 0: it costs less; unlimited: nothing can be had beyond
set STREAM_STEPS, default {};
param stream_step{STREAM_STEPS}, symbolic, in STREAMS;
param stream_up_to{STREAM_STEPS}, > 0;            # t over the horizon
param stream_surcharge{STREAM_STEPS}, default unlimited;       # money/t
set OFFER_STEPS, default {};
param offer_step{OFFER_STEPS}, symbolic, in OFFERS;
param offer_up_to{OFFER_STEPS}, > 0;              # kg over the horizon
param offer_surcharge{OFFER_STEPS}, default unlimited;         # money/kg

# Alloys
set ALLOYS;
set NAMED, within ALLOYS cross METALS;            # metals an alloy names
param low{NAMED}, default 0;                      # window of each, as shares of the fresh charge
param high{NAMED}, default 1;
set ADMITS_OTHERS, within ALLOYS;                 # alloys in which metals and matter that are not named may be
param others_share{ADMITS_OTHERS}, default 1;     # greatest share of all that is not named
param loss{ALLOYS}, default 0;                    # melt loss
param cast_limit{ALLOYS, PERIODS}, default unlimited;          # kg cast
param cast_holding{ALLOYS, PERIODS}, default 0;   # money/kg and period, of castings that wait
param cast_price{ALLOYS, PERIODS}, default 0;     # money/kg, of castings less their process scrap
param scrap_share{ALLOYS}, default 0;             # process scrap, share of what is cast
param scrap_returned{ALLOYS}, default 1;          # share of it fit to charge again
param scrap_lead{ALLOYS}, integer, >= 1, default 1;            # after how many periods
param scrap_value{ALLOYS}, default 0;             # money/kg, of what is left at the end

set LIMIT_NAMES, default {};
set CHARGE_LIMITS, within ALLOYS cross LIMIT_NAMES, default {a in ALLOYS, l in LIMIT_NAMES: 1 = 0};
set GROUP{CHARGE_LIMITS}, within OFFERS;          # offers that are limited together
param most_charged{CHARGE_LIMITS, PERIODS}, default unlimited;  # kg charged to the alloy in a period

# Medals
set MEDALS;
param count{MEDALS}, integer, >= 0;
param due{MEDALS}, integer, in PERIODS;           # their alloy is cast by the end of this period
param part{MEDALS, ALLOYS}, >= 0, default 0;      # kg of alloy in one medal
param allowance{MEDALS}, >= 0, default 0;         # metal that never comes back, per kg in the medal
param shortfall{MEDALS}, >= 0, default unlimited; # money for a medal that is not made; unlimited: all are made

# Policy
param recycled_floor{METALS}, default 0;          # least recycled share of what is charged
set WINDOWS;
set MEMBERS{WINDOWS}, within DEVICES;
param window_low{WINDOWS}, default 0;             # least and greatest share of all tonnes sent
param window_high{WINDOWS}, default 1;
param participation_share, default 0;             # of what a region offers
param smelters_share, default 1;                  # greatest share of one smelter of all feed,
param regions_share, default 1;                   # of one region of all tonnes sent,
param offers_share, default 1;                    # and of one offer of all kilograms bought
param cap, default unlimited;                     # kg CO2e


####################################  What follows from it by arithmetic  ####################################

# Offered: the stream has something in t, or may have kept something from before.
param offered_so_far{i in STORABLE, t in PERIODS} := available[i,t] + (if t > 1 then offered_so_far[i,t-1]);   # t
set OFFERED := {i in STREAMS, t in PERIODS: available[i,t] > 0 or (if i in STORABLE then offered_so_far[i,t]) > 0};

# Routes of each stream: (treatment, smelter), or a treatment alone where it sends nothing on.
set SUITED{i in STREAMS} := {h in TREATMENTS: (h,device[i]) in ACCEPTED and (h,region[i]) in SERVED};
#   A feed has a route where every content is accepted; equal is accepted, to one part in 10^9.
param impurity_metal{h in TREATMENTS, d in DEVICES, x in IMPURITIES} := if x in ON_ACCOUNT
    then assay[d,as_metal[x]] * recovery[h,d,as_metal[x]]
    else impurity_assay[d,x] * impurity_recovery[h,d,x];       # kg/t of devices
set WELCOME, dimen 3 := {(k,d,h) in FEEDS: not exists{x in IMPURITIES: refused[terms[k,d,h],x] < unlimited}
    impurity_metal[h,d,x] > refused[terms[k,d,h],x] * to_smelter[h,d] * (1 + 1e-9)};
set ROUTES{i in STREAMS}, dimen 2 := {h in SUITED[i], k in SMELTERS: to_smelter[h,device[i]] > 0
                                      and (k,device[i],h) in WELCOME and (region[i],k) in LANES};
set EXITS{i in STREAMS} := {h in SUITED[i]: to_smelter[h,device[i]] = 0 and parent[h] = ''};
#   Routes that take devices; the others carry a fraction of devices that a treatment alone has taken.
set TAKING{i in STREAMS}, dimen 2 := {(h,k) in ROUTES[i]: parent[h] = ''};
set SPLIT{i in STREAMS} := setof{(h,k) in ROUTES[i]: parent[h] <> ''} h;
set ROUTED := {i in STREAMS: card(ROUTES[i]) + card(EXITS[i]) > 0};
set BUNDLED := {i in STREAMS: bundle[i] <> ''};
set STOCKED := {(i,t) in OFFERED: i in STORABLE and (i in ROUTED or i in BUNDLED)};
set TAKEN := setof{(i,t) in OFFERED: i in BUNDLED and available[i,t] > 0} (region[i],bundle[i],t);

# The same routes, by smelter and by treatment.
set INTO{k in SMELTERS}, dimen 2 := setof{i in STREAMS, (h,k) in ROUTES[i]} (i,h);
set THROUGH{h in TREATMENTS}, dimen 2 := setof{i in STREAMS, (h,k) in ROUTES[i]} (i,k);
set ENDING{h in TREATMENTS} := {i in STREAMS: h in EXITS[i]};

# Yield: y_je = credited * max(0, min(r m, m - delta pi)), kg returned per tonne of devices, with m = assay * recovery;
# where lots are pooled it is credited * r m, and what is withheld of the lot goes off it.
param metal{h in TREATMENTS, d in DEVICES, e in METALS} := assay[d,e] * recovery[h,d,e];   # kg/t of devices
param yield{k in SMELTERS, (i,h) in INTO[k], e in METALS} := credited[i,e] * max(0, min(
    metal_return[terms[k,device[i],h],e] * metal[h,device[i],e],
    metal[h,device[i],e] - (if terms[k,device[i],h] in POOLED then 0 else deduction[terms[k,device[i],h],e])
        * to_smelter[h,device[i]]));
set YIELDING{k in SMELTERS, e in METALS}, dimen 2 := {(i,h) in INTO[k]: yield[k,i,h,e] > 0};
set RETURNS := {k in SMELTERS, e in METALS, t in PERIODS: t > lead[k,e] and card(YIELDING[k,e]) > 0};

# Pooled lots: w_je = credited * (delta pi - (1 - r) m), what of a route's deduction the share does not leave to the smelter.
set FEEDERS{l in POOLED}, dimen 3 := setof{k in SMELTERS, (i,h) in INTO[k]: terms[k,device[i],h] = l} (k,i,h);
param beyond{l in POOLED, (k,i,h) in FEEDERS[l], e in METALS} := credited[i,e]
    * (deduction[l,e] * to_smelter[h,device[i]] - (1 - metal_return[l,e]) * metal[h,device[i],e]);   # kg/t of devices
set SETTLED := setof{l in POOLED, e in METALS, t in PERIODS:
    (exists{(k,i,h) in FEEDERS[l]} (yield[k,i,h,e] > 0 and t + lead[k,e] <= n))
    and (exists{(k,i,h) in FEEDERS[l]} beyond[l,k,i,h,e] > 1e-12 * deduction[l,e] * to_smelter[h,device[i]])} (l,e,t);
set BACK{k in SMELTERS}, within POOLED := setof{l in POOLED, (k,i,h) in FEEDERS[l]} l;

# Metal that may be left with the smelter, by line of terms, metal and period in which it is credited.
set CREDITING{l in TERMS, e in LEFT}, dimen 3 :=
    setof{k in SMELTERS, (i,h) in YIELDING[k,e]: terms[k,device[i],h] = l} (k,i,h);
set LEAVING := setof{l in TERMS, e in LEFT, (k,i,h) in CREDITING[l,e], t in PERIODS: t > lead[k,e]} (l,e,t);

# Cost of a route, money per tonne of devices sent in t: c_jt = before + pi * arriving + refining of what returns in time.
#   Residue of a treatment with fractions: what is neither sold nor has a route to a smelter.
set GOING{i in STREAMS, h in SUITED[i]} := {f in SUITED[i]: parent[f] = h and (f in SPLIT[i] or (f,device[i]) in SOLD)};
param before{i in STREAMS, h in SUITED[i], t in PERIODS} := if parent[h] <> '' then 0 else
    price_in[i,t] + collection_in[i,t] + treatment_cost_in[h,device[i],t]
    - residue_value[h] * (1 - to_smelter[h,device[i]] - sum{f in GOING[i,h]} to_smelter[f,device[i]])
    - sum{f in GOING[i,h]: (f,device[i]) in SOLD} to_smelter[f,device[i]] * sold_in[f,device[i],t];
param penalty{(k,d,h) in FEEDS, t in PERIODS} := sum{p in PENALTIES: penalty_terms[p] = terms[k,d,h]} penalty_charge_in[p,t]
    * max(0, impurity_metal[h,d,penalty_on[p]] - penalty_above[p] * to_smelter[h,d]) / penalty_per[p];
param route_cost{k in SMELTERS, (i,h) in INTO[k], t in PERIODS} := before[i,h,t] + penalty[k,device[i],h,t]
    + to_smelter[h,device[i]] * (lane_cost[region[i],k] + treatment_charge_in[terms[k,device[i],h],t])
    + sum{e in METALS: t + lead[k,e] <= n} refining_charge_in[terms[k,device[i],h],e,t+lead[k,e]] * yield[k,i,h,e];

# Footprint of a route, kg CO2e per tonne of devices: phi_j.
param route_footprint{k in SMELTERS, (i,h) in INTO[k]} :=
    (if parent[h] = '' then stream_footprint[i] + treatment_footprint[h])
    + to_smelter[h,device[i]] * (lane_footprint[region[i],k] + smelter_footprint[k]);

# Need: what is owed of each alloy by the end of t, Q_at, kg.
param in_medal{m in MEDALS, a in ALLOYS} := part[m,a] * (1 + allowance[m]);   # w_ma: kg that one medal takes
param owed{a in ALLOYS, t in PERIODS} := sum{m in MEDALS: due[m] <= t} in_medal[m,a] * count[m];
set OWED := {a in ALLOYS: owed[a,n] > 0};
set DEADLINES := {a in OWED, t in PERIODS: t = n or owed[a,t] > (if t > 1 then owed[a,t-1])};

# Medals that may be missed; one missed at its date is never made.
set MISSABLE := {m in MEDALS: shortfall[m] < unlimited and count[m] > 0};

# Alloys of which castings in stock cost something; in the last period all is due.
set KEPT := {a in OWED: exists{t in PERIODS: t < n} cast_holding[a,t] > 0};

# What may be charged to which alloy.
set ACCOUNT := {e in METALS: opening_stock[e] > 0 or exists{k in SMELTERS: lead[k,e] < n} card(YIELDING[k,e]) > 0};
set MAY_HOLD := {a in OWED, e in METALS: (a,e) in NAMED or a in ADMITS_OTHERS};
set CHARGES := {(a,e) in MAY_HOLD: e in ACCOUNT};
#   An offer with a metal that the alloy does not name, or with unnamed matter, only where it admits others.
set BUYS := {o in OFFERS, a in OWED: a in ADMITS_OTHERS or sum{(a,e) in NAMED} composition[o,e] >= 1 - 1e-12};
set CHARGED := (setof{(a,e) in CHARGES} a) union (setof{(o,a) in BUYS} a);
param fit{a in ALLOYS} := scrap_share[a] * scrap_returned[a];   # process scrap fit to charge again, share of what is cast
set RECHARGED := {a in OWED: fit[a] > 0};

# Whole lots and minimum orders, and the most that a stream can send and that is bought of an offer in a period.
set BY_ORDER := {i in STREAMS: lot[i] > 0 or minimum_order[i] > 0};
set BOUGHT := (setof{(o,a) in BUYS} o) union {o in STORED: offer_opening[o] > 0 or offer_closing[o] > 0};
param most_sent{i in BY_ORDER, t in PERIODS} := available[i,t]
    + (if i in STORABLE and t > 1 then min(storage_limit[i], offered_so_far[i,t-1]));   # t
set STOCKED_OFFERS := STORED inter BOUGHT;
param taken{o in BOUGHT} := sum{(o,a) in BUYS} owed[a,n] / (1 - scrap_share[a]) / (1 - loss[a]);   # kg, by all melts
#   Into stock at most twice what melts take and stays in stock, or is committed, and a lot and a minimum order more; of an offer with a
#   price below 0, for which buying pays, up to its limit. With a limit on the concentration of offers: the greatest of
#   all, as more of one may be bought so that another may be.
set PRICED{o in OFFERS} := {s in OFFER_STEPS: offer_step[s] = o and offer_surcharge[s] < unlimited};
param first_price{o in OFFERS} := min{t in PERIODS} offer_price[o,t];                              # money/kg
param lowest_price{o in OFFERS} := if card(PRICED[o]) = 0 then first_price[o] else min(first_price[o],
    min{s in PRICED[o]} (offer_price[o,1] + sum{r in PRICED[o]: offer_up_to[r] <= offer_up_to[s]} offer_surcharge[r]));
param most_alone{o in BOUGHT} :=
    if lowest_price[o] < 0 and purchase_limit[o] < unlimited then purchase_limit[o] else
    2 * max(taken[o] + offer_closing[o], purchase_committed[o]) + offer_lot[o] + offer_minimum[o];                    # kg
param most_stored{o in STOCKED_OFFERS} :=
    if offers_share < 1 and lowest_price[o] >= 0 then max{p in BOUGHT} most_alone[p]
    else most_alone[o];                                                                            # kg
param most_bought{o in BOUGHT} := min(purchase_limit[o], if o in STOCKED_OFFERS then most_stored[o] else taken[o]);

# Lots of feed and fixed charges, and the most that each contract can take: a line of terms in t, the others in all.
set LOTTED := {l in TERMS: minimum_lot[l] > 0 or lot_charge[l] > 0};
set CALLED_SMELTERS := {k in SMELTERS: smelter_fixed[k] > 0};
set CALLED_TREATMENTS := {h in TREATMENTS: treatment_fixed[h] > 0};
set CALLED_STREAMS := {i in STREAMS: stream_fixed[i] > 0};
set CALLED_OFFERS := {o in OFFERS: offer_fixed[o] > 0};
set SUPPLYING{l in TERMS, h in TREATMENTS}, dimen 2 :=
    setof{k in SMELTERS, (i,h) in INTO[k]: terms[k,device[i],h] = l} (k,i);
set SETTLING{l in TERMS} := setof{(k,d,h) in FEEDS: terms[k,d,h] = l} k;   # the smelter of the line
param can_send{i in STREAMS, t in PERIODS} := available[i,t]
    + (if i in STORABLE and t > 1 then min(storage_limit[i], offered_so_far[i,t-1]));              # t
param most_fed{l in TERMS, t in PERIODS} := if card(SETTLING[l]) = 0 then 0 else min(
    sum{k in SETTLING[l]} min(feed_limit[k,t], total_limit[k]),
    sum{h in TREATMENTS: card(SUPPLYING[l,h]) > 0} min(
        treatment_limit[if parent[h] = '' then h else parent[h],t] * (max{(k,i) in SUPPLYING[l,h]} to_smelter[h,device[i]]),
        sum{(k,i) in SUPPLYING[l,h]} to_smelter[h,device[i]] * can_send[i,t]));                    # t
param most_smelted{k in SMELTERS} := min(total_limit[k],
    sum{t in PERIODS} min(feed_limit[k,t], sum{l in TERMS: k in SETTLING[l]} most_fed[l,t]));      # t
set TREATED{h in TREATMENTS} := (setof{(i,k) in THROUGH[h]} i) union ENDING[h];
param most_treated{h in TREATMENTS} :=
    sum{t in PERIODS} min(treatment_limit[h,t], sum{i in TREATED[h]} can_send[i,t]);               # t
set LAST_OF_STREAM{i in STREAMS} := {s in STREAM_STEPS: stream_step[s] = i and stream_surcharge[s] = unlimited};
param last_of_stream{i in STREAMS} := if card(LAST_OF_STREAM[i]) = 0 then unlimited else
    min{s in LAST_OF_STREAM[i]} stream_up_to[s];
set LAST_OF_OFFER{o in OFFERS} := {s in OFFER_STEPS: offer_step[s] = o and offer_surcharge[s] = unlimited};
param last_of_offer{o in OFFERS} := if card(LAST_OF_OFFER[o]) = 0 then unlimited else
    min{s in LAST_OF_OFFER[o]} offer_up_to[s];
set TREATING{i in STREAMS} := (setof{(h,k) in ROUTES[i]: parent[h] = ''} h) union EXITS[i];
param most_taken{i in STREAMS} :=
    if i in ROUTED then min(last_of_stream[i], sum{t in PERIODS} available[i,t],                   # t
        sum{t in PERIODS, h in TREATING[i]} min(treatment_limit[h,t], sum{u in PERIODS} available[i,u]));
param most_used{o in OFFERS} := if o in BOUGHT then min(purchase_limit[o], last_of_offer[o],
    most_bought[o] * (if o in STOCKED_OFFERS and offers_share < 1 then n else 1));                                      # kg
param offer_holding{o in STOCKED_OFFERS, t in PERIODS} := sum{e in METALS} composition[o,e] * holding[e,t];


##############################################  Variables, all >= 0  ##############################################

var ship{i in STREAMS, (h,k) in ROUTES[i], t in PERIODS: (i,t) in OFFERED}, >= 0;   # x_jt: devices sent by h to k, t
var leave{i in STREAMS, h in EXITS[i], t in PERIODS: (i,t) in OFFERED}, >= 0;       # x_jt: devices that leave by h, t
var stockpile{(i,t) in STOCKED}, >= 0, <= storage_limit[i];   # s'_it: waiting at the end of t, t
var take{TAKEN}, >= 0, <= 1;                                  # theta_bt: share of the bundle taken
var stock{ACCOUNT, PERIODS}, >= 0;                            # z_et: refined metal at the end of t, kg
var charge{CHARGES, PERIODS}, >= 0;                           # w_aet: stocked metal charged, kg
var buy{BUYS, PERIODS}, >= 0;                                 # b_oat: offer charged, bought at once or from stock, kg
var acquire{o in STOCKED_OFFERS, PERIODS}, >= 0, <= most_stored[o];   # b+_ot: offer bought into stock, kg
var offer_stock{STOCKED_OFFERS, PERIODS}, >= 0;               # z_ot: offer in stock at the end of t, kg
var surplus{ACCOUNT, PERIODS}, >= 0;                          # g_et: sold or left over, kg
var left{LEAVING}, >= 0;                                      # L_let: credited metal left with the smelter, kg
var cast{OWED, PERIODS}, >= 0;                                # k_at: alloy cast, kg
var recharge{RECHARGED, PERIODS}, >= 0;                       # v_at: process scrap charged again, kg
var scrap{RECHARGED, PERIODS}, >= 0;                          # n_at: process scrap in hand at the end of t, kg
var missed{m in MISSABLE}, >= 0, <= count[m];                 # u_m: medals not made
var cast_stock{KEPT, t in PERIODS: t < n};                    # z_at: castings that wait at the end of t, kg

# Linking quantities: all rules but supply are written on these.
var feed{SMELTERS, PERIODS}, >= 0;                            # F_kt, t
var treated{TREATMENTS, PERIODS}, >= 0;                       # G_ht, t
var returned{RETURNS}, >= 0;                                  # R_ket, kg
var returned_line{LEAVING}, >= 0;                             # R_let, of metals that may be left, kg
set LIMITED := {k in SMELTERS, x in IMPURITIES: content_limit[k,x] < unlimited};
var impurity{LIMITED, PERIODS}, >= 0;                         # S_kxt, kg
var sent_device{DEVICES}, >= 0;                               # X_d, t
var sent_region{REGIONS}, >= 0;                               # X_g, t
var sent_stream{STREAMS}, >= 0;                               # X_i, t
var spend{PERIODS};                                           # c_t: network and stockpiles, money
var network_footprint, >= 0;                                  # Phi, kg CO2e
var withheld{SETTLED}, >= 0;                                  # W_let: metal a pooled lot keeps of the share, kg
var bought{OFFERS}, >= 0;                                     # kg
var shipped{BY_ORDER, PERIODS}, >= 0;                         # X_it, t
var line_feed{LOTTED, PERIODS}, >= 0;                         # F_lt, t
var stream_excess{s in STREAM_STEPS: stream_surcharge[s] < unlimited}, >= 0;  # e_n: taken beyond the limit, t
var offer_excess{s in OFFER_STEPS: offer_surcharge[s] < unlimited}, >= 0;     # kg

# Whole numbers: with them the program is a mixed-integer one.
var lots{i in BY_ORDER, PERIODS: lot[i] > 0}, integer, >= 0;                # n_it
var ordered{i in BY_ORDER, PERIODS: minimum_order[i] > 0}, binary;          # u_it
var offer_lots{o in BOUGHT, PERIODS: offer_lot[o] > 0}, integer, >= 0;
var offer_ordered{o in BOUGHT, PERIODS: offer_minimum[o] > 0}, binary;
var line_used{LOTTED, PERIODS}, binary;                       # y: the contract is used
var smelter_used{CALLED_SMELTERS}, binary;
var treatment_used{CALLED_TREATMENTS}, binary;
var stream_used{CALLED_STREAMS}, binary;
var offer_used{CALLED_OFFERS}, binary;
var stream_step_used{s in STREAM_STEPS: stream_surcharge[s] < 0}, binary;   # y: more is taken than the limit
var offer_step_used{s in OFFER_STEPS: offer_surcharge[s] < 0}, binary;


##################################################  Objective  ##################################################

minimize objective:
    if measure = 'cost' then
        sum{t in PERIODS} spend[t]
        + sum{(o,a) in BUYS, t in PERIODS: o not in STOCKED_OFFERS} offer_price[o,t] * buy[o,a,t]
        + sum{o in STOCKED_OFFERS, t in PERIODS} (offer_price[o,t] * acquire[o,t] + offer_holding[o,t] * offer_stock[o,t])
        + sum{e in ACCOUNT, t in PERIODS} (holding[e,t] * stock[e,t] - sell[e,t] * surplus[e,t])
        - sum{(l,e,t) in LEAVING} (pays[l,e,t] + refining_charge_in[l,e,t]) * left[l,e,t]
        + sum{a in KEPT, t in PERIODS: t < n} cast_holding[a,t] * cast_stock[a,t]
        - sum{a in OWED, t in PERIODS} cast_price[a,t] * (1 - scrap_share[a]) * cast[a,t]
        - sum{a in RECHARGED} scrap_value[a] * (scrap[a,n]
            + sum{t in PERIODS: t > n - scrap_lead[a]} fit[a] * cast[a,t])
        + sum{m in MISSABLE} shortfall[m] * missed[m]
        + sum{l in LOTTED, t in PERIODS} lot_charge[l] * line_used[l,t]
        + sum{k in CALLED_SMELTERS} smelter_fixed[k] * smelter_used[k]
        + sum{h in CALLED_TREATMENTS} treatment_fixed[h] * treatment_used[h]
        + sum{i in CALLED_STREAMS} stream_fixed[i] * stream_used[i]
        + sum{o in CALLED_OFFERS} offer_fixed[o] * offer_used[o]
        + sum{s in STREAM_STEPS: stream_surcharge[s] < unlimited} stream_surcharge[s] * stream_excess[s]
        + sum{s in OFFER_STEPS: offer_surcharge[s] < unlimited} offer_surcharge[s] * offer_excess[s]
    else if measure = 'footprint' then
        network_footprint + sum{o in OFFERS} offer_footprint[o] * bought[o]
    else
        sum{i in STREAMS} sent_stream[i];


########################################  Rows that define the linking quantities  ########################################

s.t. define_feed{k in SMELTERS, t in PERIODS}:
    feed[k,t] = sum{(i,h) in INTO[k]: (i,t) in OFFERED} to_smelter[h,device[i]] * ship[i,h,k,t];

s.t. define_treated{h in TREATMENTS, t in PERIODS}:
    treated[h,t] = sum{(i,k) in THROUGH[h]: (i,t) in OFFERED} ship[i,h,k,t]
                 + sum{i in ENDING[h]: (i,t) in OFFERED} leave[i,h,t];

s.t. define_returned{(k,e,t) in RETURNS}:
    returned[k,e,t] = sum{(i,h) in YIELDING[k,e]: (i,t-lead[k,e]) in OFFERED} yield[k,i,h,e] * ship[i,h,k,t-lead[k,e]]
                    - sum{l in BACK[k]: (l,e,t-lead[k,e]) in SETTLED} withheld[l,e,t-lead[k,e]];

s.t. define_returned_line{(l,e,t) in LEAVING}:
    returned_line[l,e,t] = sum{(k,i,h) in CREDITING[l,e]: (i,t-lead[k,e]) in OFFERED} yield[k,i,h,e] * ship[i,h,k,t-lead[k,e]]
                         - sum{k in SMELTERS: l in BACK[k] and (l,e,t-lead[k,e]) in SETTLED} withheld[l,e,t-lead[k,e]];

s.t. define_impurity{(k,x) in LIMITED, t in PERIODS}:
    impurity[k,x,t] = sum{(i,h) in INTO[k]: (i,t) in OFFERED} impurity_metal[h,device[i],x] * ship[i,h,k,t];

s.t. define_sent_stream{i in STREAMS}:
    sent_stream[i] = sum{t in PERIODS: (i,t) in OFFERED}
        (sum{(h,k) in TAKING[i]} ship[i,h,k,t] + sum{h in EXITS[i]} leave[i,h,t]);

s.t. define_sent_device{d in DEVICES}: sent_device[d] = sum{i in STREAMS: device[i] = d} sent_stream[i];

s.t. define_sent_region{g in REGIONS}: sent_region[g] = sum{i in STREAMS: region[i] = g} sent_stream[i];

s.t. define_shipped{i in BY_ORDER, t in PERIODS}:
    shipped[i,t] = (if (i,t) in OFFERED then sum{(h,k) in TAKING[i]} ship[i,h,k,t] + sum{h in EXITS[i]} leave[i,h,t]);

s.t. define_line_feed{l in LOTTED, t in PERIODS}:
    line_feed[l,t] = sum{h in TREATMENTS, (k,i) in SUPPLYING[l,h]: (i,t) in OFFERED} to_smelter[h,device[i]] * ship[i,h,k,t];

s.t. define_spend{t in PERIODS}:
    spend[t] = sum{k in SMELTERS, (i,h) in INTO[k]: (i,t) in OFFERED} route_cost[k,i,h,t] * ship[i,h,k,t]
             + sum{h in TREATMENTS, i in ENDING[h]: (i,t) in OFFERED} before[i,h,t] * leave[i,h,t]
             + sum{i in STORABLE: (i,t) in STOCKED} storage_cost[i] * stockpile[i,t]
             - sum{k in SMELTERS, l in BACK[k], e in METALS: (l,e,t) in SETTLED}
                   refining_charge_in[l,e,t+lead[k,e]] * withheld[l,e,t];

s.t. define_network_footprint:
    network_footprint = sum{k in SMELTERS, (i,h) in INTO[k], t in PERIODS: (i,t) in OFFERED}
            route_footprint[k,i,h] * ship[i,h,k,t]
        + sum{h in TREATMENTS, i in ENDING[h], t in PERIODS: (i,t) in OFFERED}
            (stream_footprint[i] + treatment_footprint[h]) * leave[i,h,t];

s.t. define_bought{o in OFFERS}: bought[o] = sum{t in PERIODS}
    (if o in STOCKED_OFFERS then acquire[o,t] else sum{(o,a) in BUYS} buy[o,a,t]);

s.t. define_cast_stock{a in KEPT, t in PERIODS: t < n}:
    cast_stock[a,t] = sum{u in 1..t} (1 - scrap_share[a]) * cast[a,u] - owed[a,t]
        + sum{m in MISSABLE: due[m] <= t} in_medal[m,a] * missed[m];


################################################  The twelve families  ################################################

# 1. Supply: what is sent, and what is added to the stockpile, is at most what is offered. The rest is let go, free.
s.t. supply{(i,t) in OFFERED: i in ROUTED and i not in BUNDLED}:
    sum{(h,k) in TAKING[i]} ship[i,h,k,t] + sum{h in EXITS[i]} leave[i,h,t]
    + (if (i,t) in STOCKED then stockpile[i,t]) - (if (i,t-1) in STOCKED then stockpile[i,t-1])
    <= available[i,t];

#    Streams of a bundle are taken together, one without a route too.
s.t. bundle_supply{(i,t) in OFFERED: i in BUNDLED}:
    sum{(h,k) in TAKING[i]} ship[i,h,k,t] + sum{h in EXITS[i]} leave[i,h,t]
    + (if (i,t) in STOCKED then stockpile[i,t]) - (if (i,t-1) in STOCKED then stockpile[i,t-1])
    = (if available[i,t] > 0 then available[i,t] * take[region[i],bundle[i],t]);

# 2. Capacity.
s.t. feed_capacity{k in SMELTERS, t in PERIODS: feed_limit[k,t] < unlimited}: feed[k,t] <= feed_limit[k,t];
s.t. treatment_capacity{h in TREATMENTS, t in PERIODS: treatment_limit[h,t] < unlimited}:
    treated[h,t] <= treatment_limit[h,t];
s.t. cast_capacity{a in OWED, t in PERIODS: cast_limit[a,t] < unlimited}: cast[a,t] <= cast_limit[a,t];

# 3. Metal balance: stock before + returned = stock after + charged + surplus + left with the smelters.
s.t. balance{e in ACCOUNT, t in PERIODS}:
    stock[e,t] = (if t = 1 then opening_stock[e] else stock[e,t-1]) + sum{(k,e,t) in RETURNS} returned[k,e,t]
               - sum{(a,e) in CHARGES} charge[a,e,t] - surplus[e,t] - sum{(l,e,t) in LEAVING} left[l,e,t];

#    Likewise of an offer in stock: stock before + bought = stock after + charged.
s.t. offer_balance{o in STOCKED_OFFERS, t in PERIODS}:
    offer_stock[o,t] = (if t = 1 then offer_opening[o] else offer_stock[o,t-1]) + acquire[o,t] - sum{(o,a) in BUYS} buy[o,a,t];

# 22. Stock of offers: the storage limit at the end of each period, and what has to be left at the end.
s.t. offer_storage{o in STOCKED_OFFERS, t in PERIODS: offer_storage_limit[o,t] < unlimited}:
    offer_stock[o,t] <= offer_storage_limit[o,t];
s.t. closing_stock{o in STOCKED_OFFERS: offer_closing[o] > 0}: offer_stock[o,n] >= offer_closing[o];

# 23. Limits on groups of offers that are charged to an alloy in a period.
s.t. charge_limit{(a,l) in CHARGE_LIMITS, t in PERIODS: most_charged[a,l,t] < unlimited
                  and (exists{o in GROUP[a,l]: (o,a) in BUYS} 1)}:
    sum{o in GROUP[a,l]: (o,a) in BUYS} buy[o,a,t] <= most_charged[a,l,t];

# 18. Safety stock: what is charged from the account in the periods to come is in stock.
s.t. reserve{e in ACCOUNT, t in PERIODS: t < n and reserve_periods[e] > 0 and (exists{(a,e) in CHARGES} 1)}:
    stock[e,t] >= sum{(a,e) in CHARGES, u in PERIODS: u > t and u <= t + reserve_periods[e]} charge[a,e,u];

# 4. Melt: all that is charged, less the loss, is cast.
s.t. melt{a in OWED, t in PERIODS}:
    (sum{(a,e) in CHARGES} charge[a,e,t] + sum{(o,a) in BUYS} buy[o,a,t]
        + (if a in RECHARGED then recharge[a,t])) * (1 - loss[a]) = cast[a,t];

# 5. Fineness of the fresh charge: its metal e lies between low and high shares of all of it.
s.t. fineness_low{a in CHARGED, (a,e) in NAMED, t in PERIODS: low[a,e] > 0}:
    (if (a,e) in CHARGES then charge[a,e,t]) + sum{(o,a) in BUYS} composition[o,e] * buy[o,a,t]
    >= low[a,e] * (sum{(a,f) in CHARGES} charge[a,f,t] + sum{(o,a) in BUYS} buy[o,a,t]);
s.t. fineness_high{a in CHARGED, (a,e) in NAMED, t in PERIODS: high[a,e] < 1}:
    (if (a,e) in CHARGES then charge[a,e,t]) + sum{(o,a) in BUYS} composition[o,e] * buy[o,a,t]
    <= high[a,e] * (sum{(a,f) in CHARGES} charge[a,f,t] + sum{(o,a) in BUYS} buy[o,a,t]);

#    All that the alloy does not name, unnamed matter of the offers included.
s.t. others{a in CHARGED, t in PERIODS: a in ADMITS_OTHERS and (if a in ADMITS_OTHERS then others_share[a]) < 1}:
    sum{(a,e) in CHARGES: (a,e) not in NAMED} charge[a,e,t]
    + sum{(o,a) in BUYS} (1 - sum{(a,e) in NAMED} composition[o,e]) * buy[o,a,t]
    <= others_share[a] * (sum{(a,e) in CHARGES} charge[a,e,t] + sum{(o,a) in BUYS} buy[o,a,t]);

# 6. Demand: castings less their process scrap cover what is owed by each deadline, and in the end exactly; less the
#    alloy of medals that are missed.
s.t. demand{(a,t) in DEADLINES}:
    owed[a,t] <= sum{u in 1..t} (1 - scrap_share[a]) * cast[a,u]
        + sum{m in MISSABLE: due[m] <= t} in_medal[m,a] * missed[m]
        <= (if t = n then owed[a,t] else unlimited);

# 7. Commitments and limits over the horizon.
s.t. purchase{o in OFFERS: purchase_committed[o] > 0 or purchase_limit[o] < unlimited}:
    purchase_committed[o] <= bought[o] <= purchase_limit[o];
s.t. stream_commitment{i in STREAMS: stream_committed[i] > 0}: sent_stream[i] >= stream_committed[i];
s.t. feed_total{k in SMELTERS: total_committed[k] > 0 or total_limit[k] < unlimited}:
    total_committed[k] <= sum{t in PERIODS} feed[k,t] <= total_limit[k];

# 8. Recycled content: metal of offers that is not recycled stays below its share of what is charged.
s.t. recycled{e in METALS: recycled_floor[e] > 0
              and (exists{(a,e) in CHARGES} 1 or exists{(o,a) in BUYS} composition[o,e] > 0)}:
    sum{(o,a) in BUYS, t in PERIODS} (1 - recycled_fraction[o]) * composition[o,e] * buy[o,a,t]
    <= (1 - recycled_floor[e]) * (sum{(a,e) in CHARGES, t in PERIODS} charge[a,e,t]
        + sum{(o,a) in BUYS, t in PERIODS} composition[o,e] * buy[o,a,t]);

# 9. Device mix: the devices of a window make up at least and at most these shares of all tonnes sent.
s.t. mix_low{w in WINDOWS: window_low[w] > 0}:
    sum{d in MEMBERS[w]} sent_device[d] >= window_low[w] * sum{d in DEVICES} sent_device[d];
s.t. mix_high{w in WINDOWS: window_high[w] < 1}:
    sum{d in MEMBERS[w]} sent_device[d] <= window_high[w] * sum{d in DEVICES} sent_device[d];

# 10. Participation: each region sends a share of all it offers, streams without a route included.
param offer{g in REGIONS} := sum{i in STREAMS: region[i] = g} sum{t in PERIODS} available[i,t];   # t
s.t. participation{g in REGIONS: participation_share > 0 and offer[g] > 0}:
    sent_region[g] >= participation_share * offer[g];

# 15. Concentration: one smelter, region or offer has at most a share of what all of them have.
s.t. concentration_smelters{k in SMELTERS: smelters_share < 1}:
    sum{t in PERIODS} feed[k,t] <= smelters_share * sum{j in SMELTERS, t in PERIODS} feed[j,t];
s.t. concentration_regions{g in REGIONS: regions_share < 1}:
    sent_region[g] <= regions_share * sum{d in DEVICES} sent_device[d];
s.t. concentration_offers{o in OFFERS: offers_share < 1}: bought[o] <= offers_share * sum{p in OFFERS} bought[p];

# 19. Impurity limits: the mean content of all feed of a smelter in a period.
s.t. impurity_limit{(k,x) in LIMITED, t in PERIODS}: impurity[k,x,t] <= content_limit[k,x] * feed[k,t];

# 11. Footprint.
s.t. footprint_cap{1..1: cap < unlimited}: network_footprint + sum{o in OFFERS} offer_footprint[o] * bought[o] <= cap;

# 12. Process scrap in hand: before + what falls and has waited its lead - what is charged again.
s.t. process_scrap{a in RECHARGED, t in PERIODS}:
    scrap[a,t] = (if t > 1 then scrap[a,t-1])
        + (if t > scrap_lead[a] then fit[a] * cast[a,t-scrap_lead[a]]) - recharge[a,t];

# 13. Whole lots and minimum orders: what is ordered in a period is a multiple of the lot, and none or at least so much.
s.t. whole_lots{i in BY_ORDER, t in PERIODS: lot[i] > 0}: shipped[i,t] = lot[i] * lots[i,t];
s.t. least_order{i in BY_ORDER, t in PERIODS: minimum_order[i] > 0}: shipped[i,t] >= minimum_order[i] * ordered[i,t];
s.t. most_order{i in BY_ORDER, t in PERIODS: minimum_order[i] > 0}: shipped[i,t] <= most_sent[i,t] * ordered[i,t];
s.t. offer_whole_lots{o in BOUGHT, t in PERIODS: offer_lot[o] > 0}:
    (if o in STOCKED_OFFERS then acquire[o,t] else sum{(o,a) in BUYS} buy[o,a,t]) = offer_lot[o] * offer_lots[o,t];
s.t. offer_least_order{o in BOUGHT, t in PERIODS: offer_minimum[o] > 0}:
    (if o in STOCKED_OFFERS then acquire[o,t] else sum{(o,a) in BUYS} buy[o,a,t]) >= offer_minimum[o] * offer_ordered[o,t];
s.t. offer_most_order{o in BOUGHT, t in PERIODS: offer_minimum[o] > 0}:
    (if o in STOCKED_OFFERS then acquire[o,t] else sum{(o,a) in BUYS} buy[o,a,t]) <= most_bought[o] * offer_ordered[o,t];

# 21. Lots of feed and fixed charges: a contract is used or not; where it is, a line takes at least its minimum lot.
s.t. line_least{l in LOTTED, t in PERIODS: minimum_lot[l] > 0}: line_feed[l,t] >= minimum_lot[l] * line_used[l,t];
s.t. line_most{l in LOTTED, t in PERIODS}: line_feed[l,t] <= most_fed[l,t] * line_used[l,t];
s.t. smelter_most{k in CALLED_SMELTERS}: sum{t in PERIODS} feed[k,t] <= most_smelted[k] * smelter_used[k];
s.t. treatment_most{h in CALLED_TREATMENTS}: sum{t in PERIODS} treated[h,t] <= most_treated[h] * treatment_used[h];
s.t. stream_most{i in CALLED_STREAMS}: sent_stream[i] <= most_taken[i] * stream_used[i];
s.t. offer_most{o in CALLED_OFFERS}: bought[o] <= most_used[o] * offer_used[o];

# 24. Price steps: what is taken beyond a limit, at least where it costs more, at most and only if used where it costs less.
s.t. stream_steps{s in STREAM_STEPS: stream_surcharge[s] >= 0}:
    sent_stream[stream_step[s]] - (if stream_surcharge[s] < unlimited then stream_excess[s]) <= stream_up_to[s];
s.t. stream_steps_least{s in STREAM_STEPS: stream_surcharge[s] < 0}:
    stream_excess[s] + stream_up_to[s] * stream_step_used[s] <= sent_stream[stream_step[s]];
s.t. stream_steps_most{s in STREAM_STEPS: stream_surcharge[s] < 0}:
    stream_excess[s] <= max(0, most_taken[stream_step[s]] - stream_up_to[s]) * stream_step_used[s];
s.t. offer_steps{s in OFFER_STEPS: offer_surcharge[s] >= 0}:
    bought[offer_step[s]] - (if offer_surcharge[s] < unlimited then offer_excess[s]) <= offer_up_to[s];
s.t. offer_steps_least{s in OFFER_STEPS: offer_surcharge[s] < 0}:
    offer_excess[s] + offer_up_to[s] * offer_step_used[s] <= bought[offer_step[s]];
s.t. offer_steps_most{s in OFFER_STEPS: offer_surcharge[s] < 0}:
    offer_excess[s] <= max(0, most_used[offer_step[s]] - offer_up_to[s]) * offer_step_used[s];

# 14. Pooled settlement: at least the deduction beyond the share, at most that of the routes apart, at most the share.
s.t. withheld_least{(l,e,t) in SETTLED}: withheld[l,e,t]
    >= sum{(k,i,h) in FEEDERS[l]: (i,t) in OFFERED} beyond[l,k,i,h,e] * ship[i,h,k,t];
s.t. withheld_most{(l,e,t) in SETTLED}: withheld[l,e,t]
    <= sum{(k,i,h) in FEEDERS[l]: (i,t) in OFFERED} max(0, beyond[l,k,i,h,e]) * ship[i,h,k,t];
s.t. withheld_all{(l,e,t) in SETTLED}: withheld[l,e,t]
    <= sum{(k,i,h) in FEEDERS[l]: (i,t) in OFFERED} yield[k,i,h,e] * ship[i,h,k,t];

# 20. Fractions: all of a fraction that some smelter accepts goes on, with the devices that are treated.
s.t. fractions{i in STREAMS, h in SPLIT[i], t in PERIODS: (i,t) in OFFERED}:
    sum{(h,k) in ROUTES[i]} ship[i,h,k,t] = leave[i,parent[h],t];

# 17. Title: of the metal that a line credits, no more is left with the smelter than there is.
s.t. left_most{(l,e,t) in LEAVING}: left[l,e,t] <= returned_line[l,e,t];


solve;

printf "%s: %.12g\n", measure, objective;

end;
