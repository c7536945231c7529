import geopandas as gpd, pandas as pd, numpy as np
from circle15.sources.datum import to_wgs84
def read_candidates(file, area, *, datum, sheet=None, columns=None):
    t=pd.read_csv(file)
    ll=to_wgs84(t[["经度","纬度"]].to_numpy(float), datum)
    g=gpd.GeoDataFrame({"name":t["名称"],"floor_area_m2":t["建筑面积"].astype(float),"owner":t["权属单位"],"storey":t["楼层"].astype(str),"step_free":t["无障碍入口"].map({"是":"yes","否":"no"}).fillna("unknown"),"services":None,"cost":t["估算费用"].astype(float),"operator":t["运营单位"],"budget_line":t["资金来源"]},geometry=gpd.points_from_xy(*ll.T),crs=4326).to_crs(area.crs)
    g.index=pd.Index("vacant/"+t["编号"],name="candidate")
    return g
def street_side(streets, area, *, near, most): raise NotImplementedError
