"""The carrier: the iFax programmable-fax API, typed. What it says is turned into our own words at this edge."""
